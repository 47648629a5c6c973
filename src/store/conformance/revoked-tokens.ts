import { expect, test } from 'vitest';
import { MINUTE, NOW, recordFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

const KEEP_UNTIL = NOW + 5 * MINUTE;

export function revokedTokenConformance(open: OpenStore): void {
  const subject = useStore(open);
  const revoke = (id: string, note: string, at = NOW, keepUntil = KEEP_UNTIL) =>
    subject.store.revokeToken({ id, at, keepUntil }, [recordFixture(`rec_${note}`, note)]);

  test('a token is revoked with its record, and no other is', async () => {
    expect(subject.store.isTokenRevoked('tok_1')).toBe(false);
    expect(await revoke('tok_1', 'first')).toBe('revoked');
    expect(subject.store.isTokenRevoked('tok_1')).toBe(true);
    expect(subject.store.isTokenRevoked('tok_2')).toBe(false);
    expect(subject.notes()).toEqual(['first']);
  });

  test('identifiers are compared byte for byte', async () => {
    await revoke('tok_é', 'composed');
    expect(subject.store.isTokenRevoked('tok_e\u0301')).toBe(false);
    expect(subject.store.isTokenRevoked('TOK_é')).toBe(false);
    await expect(revoke('tok_\ud800', 'surrogate')).rejects.toThrow('well-formed');
  });

  test('of twenty who revoke one token, one has revoked it, and one record is kept', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => revoke('tok_1', `n${n}`)));
    expect(outcomes.filter((outcome) => outcome === 'revoked')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'already_revoked')).toHaveLength(19);
    expect(subject.notes()).toHaveLength(1);
  });

  test('it stays so when the store is opened again', async () => {
    await revoke('tok_1', 'first');
    await subject.reopen();
    expect(subject.store.isTokenRevoked('tok_1')).toBe(true);
    expect(await revoke('tok_1', 'again')).toBe('already_revoked');
  });

  test('it is kept until its time, and may be forgotten after it', async () => {
    await revoke('tok_1', 'first');
    await revoke('tok_2', 'just before', KEEP_UNTIL - 1, KEEP_UNTIL + 5 * MINUTE);
    expect(subject.store.isTokenRevoked('tok_1')).toBe(true);
    await revoke('tok_3', 'at the time', KEEP_UNTIL, KEEP_UNTIL + 5 * MINUTE);
    expect(subject.store.isTokenRevoked('tok_1')).toBe(false);
    expect(subject.store.isTokenRevoked('tok_2')).toBe(true);
  });
}
