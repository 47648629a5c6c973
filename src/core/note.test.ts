import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { noteCrypto, ed25519Signer } from '../audit/ed25519.ts';
import { openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts';
import {
  checkNote,
  formatNote,
  formatVerifierKey,
  fromBase64,
  isKeyName,
  parseNote,
  parseVerifierKey,
  signNote,
  toBase64,
} from './note.ts';

const sha256 = (data: Uint8Array) => new Uint8Array(createHash('sha256').update(data).digest());

// From the documentation of golang.org/x/mod/sumdb/note, the first implementation of the format.
const KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const NOTE = `${TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

const signer = ed25519Signer('remit.example/log', generateKeyPairSync('ed25519').privateKey);
const other = ed25519Signer('remit.example/log', generateKeyPairSync('ed25519').privateKey);

describe('signed notes', () => {
  test('a note and key of the first implementation', () => {
    const key = parseVerifierKey(KEY, sha256)!;
    const note = parseNote(NOTE)!;
    expect(note.text).toBe(TEXT);
    expect(formatNote(note)).toBe(NOTE);
    expect(formatVerifierKey(key)).toBe(KEY);
    expect(checkNote(note, key, noteCrypto)).toBe('signed');
    expect(checkNote({ ...note, text: TEXT.toUpperCase() }, key, noteCrypto)).toBe('bad_signature');
  });

  test('a note is signed by who signed it, whoever else did', () => {
    const first = parseNote(signNote('hello\n', signer))!;
    const second = parseNote(signNote('hello\n', other))!;
    const both = { text: 'hello\n', signatures: [...first.signatures, ...second.signatures] };
    expect(checkNote(both, other.key, noteCrypto)).toBe('signed');
    expect(checkNote(first, other.key, noteCrypto)).toBe('other_key');
    const stolen = { ...first, signatures: [{ ...first.signatures[0]!, keyId: other.key.id }] };
    expect(checkNote(stolen, other.key, noteCrypto)).toBe('bad_signature');
  });

  test('text may hold blank lines', () => {
    expect(parseNote(signNote('one\n\ntwo\n', signer))!.text).toBe('one\n\ntwo\n');
  });

  test.each([
    ['nothing', ''],
    ['no signature', 'text\n\n'],
    ['no blank line', NOTE.replace('\n\n', '\n')],
    ['no last newline', NOTE.slice(0, -1)],
    ['a carriage return', NOTE.replace('answer', 'ans\rwer')],
    ['a hyphen for the dash', NOTE.replace('\u2014', '-')],
    ['base64 with other padding bits', NOTE.replace('JnAM=', 'JnAN=')],
    ['a signature of no bytes', 'text\n\n\u2014 name AAAAAA==\n'],
    ['a lone surrogate', NOTE.replace('answer', '\ud800')],
    ['a third word', NOTE.replace('=\n', '= x\n')],
  ])('%s is no note', (_, text) => {
    expect(parseNote(text)).toBeNull();
  });

  test.each([
    ['', false],
    ['a b', false],
    ['a+b', false],
    ['a\u00a0b', false],
    ['a\u0000', false],
    ['remit.example/log', true],
  ])('the key name %j: %s', (name, good) => {
    expect(isKeyName(name)).toBe(good);
  });

  test.each([
    ['nothing', ''],
    ['another id', KEY.replace('c74f20a3', 'c74f20a4')],
    ['another name', KEY.replace('Peter', 'Petra')],
    ['another type', KEY.replace('+ARpc', '+BRpc')],
    ['a short key', KEY.slice(0, -4)],
    ['an id in capitals', KEY.replace('c74f', 'C74F')],
  ])('%s is no key', (_, text) => {
    expect(parseVerifierKey(text, sha256)).toBeNull();
  });

  test('base64 has one form for each value', () => {
    expect(fromBase64('AQ==')).toEqual(Uint8Array.of(1));
    for (const text of ['AR==', 'AQ', 'AQ=', 'A Q=', '-_8=', '']) expect(fromBase64(text)).toBeNull();
    expect(toBase64(Uint8Array.of(251, 255))).toBe('+/8=');
  });
});

describe('checkpoints', () => {
  const root = sha256(new Uint8Array());
  const checkpoint = { origin: signer.key.name, size: 70_000, root };
  const encoded = toBase64(root);

  test('opens what was signed', () => {
    const signed = signCheckpoint(checkpoint, signer);
    expect(signed.startsWith(`remit.example/log\n70000\n${encoded}\n\n\u2014 remit.example/log `)).toBe(true);
    expect(openCheckpoint(signed, signer.key, noteCrypto)).toEqual({ status: 'signed', checkpoint });
  });

  test('refuses another key, another log and another text', () => {
    const signed = signCheckpoint(checkpoint, signer);
    expect(openCheckpoint(signed, other.key, noteCrypto).status).toBe('other_key');
    const foreign = signCheckpoint({ ...checkpoint, origin: 'another.example' }, signer);
    expect(openCheckpoint(foreign, signer.key, noteCrypto)).toMatchObject({
      status: 'other_key',
      problem: 'the checkpoint is of another log, `another.example`',
    });
    const larger = signed.replace('70000', '70001');
    expect(openCheckpoint(larger, signer.key, noteCrypto).status).toBe('bad_signature');
    expect(openCheckpoint('hello', signer.key, noteCrypto).status).toBe('malformed');
  });

  test('passes over extension lines', () => {
    expect(parseCheckpoint(`log\n0\n${encoded}\nmore\n`)).toEqual({ origin: 'log', size: 0, root });
  });

  test.each([
    `log\n01\n${encoded}\n`,
    `log\n-1\n${encoded}\n`,
    `log\n9007199254740993\n${encoded}\n`,
    `log\n1\n${encoded}`,
    `\n1\n${encoded}\n`,
    `log\n1\nAQ==\n`,
    `log\n1\n`,
  ])('%j states no checkpoint', (text) => {
    expect(parseCheckpoint(text)).toBeNull();
  });
});
