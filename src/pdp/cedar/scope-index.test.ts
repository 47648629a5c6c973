import fc from 'fast-check';
import { expect, it } from 'vitest';
import { finish } from '../steps.ts';
import type { Request } from './compile.ts';
import { ScopeIndex } from './scope-index.ts';
import { scopeTests, type Constraint, type Scope, type Variable } from './scope.ts';
import { EagerRecord, EntityUid } from './value.ts';

const uid = fc
  .record({ type: fc.constantFrom('A', 'B'), id: fc.constantFrom('1', '2', '3') })
  .map(({ type, id }) => new EntityUid(type, id));
const constraint: fc.Arbitrary<Constraint> = fc.oneof(
  fc.constant({ kind: 'any' as const }),
  uid.map((of) => ({ kind: 'equals' as const, uid: of })),
  fc.array(uid, { maxLength: 3 }).map((groups) => ({ kind: 'in' as const, groups })),
  uid.map((group) => ({ kind: 'in' as const, type: 'A', groups: [group] })),
  fc.constant({ kind: 'is' as const, type: 'B' }),
);
const scope: fc.Arbitrary<Scope> = fc.record({ principal: constraint, action: constraint, resource: constraint });
const scopes = fc.array(scope, { maxLength: 60 });
const request = fc
  .record({ principal: uid, action: uid, resource: uid, ancestors: fc.uniqueArray(uid, { maxLength: 4 }) })
  .map(({ ancestors, ...variables }): Request => {
    const empty = new EagerRecord(new Map());
    return { ...variables, context: empty, entities: { get: () => ({ attrs: empty, tags: empty, ancestors }) } };
  });

/** The places of the policies whose whole head holds. */
function matching(all: readonly Scope[], asked: Request): number[] {
  return all.flatMap((each, place) => (scopeTests(each).every((test) => test(asked)) ? [place] : []));
}

function found(all: readonly Scope[], asked: Request, resource: EntityUid | null): number[] {
  return search(all, asked, resource).map(({ place }) => place);
}

function search(all: readonly Scope[], asked: Request, resource: EntityUid | null) {
  const index = finish(
    ScopeIndex.build(all.map((each, place) => ({ scope: each, found: (tested) => ({ place, tested }) }))),
  );
  const hits: { place: number; tested: readonly Variable[] }[] = [];
  index.search({ ...asked, resource }, (hit) => hits.push(hit));
  return hits;
}

it('finds each policy whose head matches, once', () => {
  fc.assert(
    fc.property(scopes, request, (all, asked) => {
      const places = found(all, asked, asked.resource);
      expect(new Set(places).size).toBe(places.length);
      expect(places).toEqual(expect.arrayContaining(matching(all, asked)));
    }),
  );
});

it('has tested exactly what it says of a head', () => {
  fc.assert(
    fc.property(scopes, request, (all, asked) => {
      const exact = search(all, asked, asked.resource).filter(({ place, tested }) =>
        scopeTests(all[place]!, tested).every((test) => test(asked)),
      );
      expect(exact.map(({ place }) => place).toSorted((a, b) => a - b)).toEqual(matching(all, asked));
    }),
  );
});

it('finds what matches any resource while the resource is not known', () => {
  fc.assert(
    fc.property(scopes, request, uid, (all, asked, resource) => {
      expect(found(all, asked, null)).toEqual(expect.arrayContaining(matching(all, { ...asked, resource })));
    }),
  );
});

it('leaves out what cannot match, however many there are', () => {
  const group = (n: number): Constraint => ({ kind: 'in', groups: [new EntityUid('A', String(n))] });
  const all = Array.from({ length: 10_000 }, (_none, n): Scope => ({
    principal: { kind: 'any' },
    action: group(n % 100),
    resource: group(Math.floor(n / 100)),
  }));
  const asked: Request = {
    principal: new EntityUid('A', 'p'),
    action: new EntityUid('A', '7'),
    resource: new EntityUid('A', '50'),
    context: new EagerRecord(new Map()),
    entities: { get: () => undefined },
  };
  expect(found(all, asked, asked.resource)).toEqual([5007]);
});

it('is built in steps that can be left', () => {
  const many = Array.from({ length: 5_000 }, (_none, place) => ({
    found: () => place,
    scope: { principal: { kind: 'any' }, action: { kind: 'any' }, resource: { kind: 'any' } } as const,
  }));
  const steps = ScopeIndex.build(many);
  expect(steps.next().done).toBe(false);
  expect(finish(steps)).toBeInstanceOf(ScopeIndex);
});
