import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';
import { EFFECTS, type Effect } from '../../core/effect.ts';
import type { Attribute, CedarType } from './argument-type.ts';

/** An action of the schema, with the type of its arguments. */
export type SchemaAction = { id: string; effect: Effect; args: CedarType; parameters?: CedarType; did?: CedarType };

const STRING: CedarType = { type: 'String' };
const TEXTS: CedarType = { type: 'Set', element: STRING };
const LONG: CedarType = { type: 'Long' };
const EMPTY: CedarType = { type: 'Record', attributes: {} };
const SENSITIVITY: CedarType = record({ name: STRING, level: LONG });

/**
 * The Cedar schema of requests as `request.ts` makes them, in Cedar's JSON format: an action for each operation, in the
 * group of its effect. What is optional there may be absent, so a policy has to ask with `has` first.
 */
export function cedarSchema(actions: readonly SchemaAction[]): SchemaJson<string> {
  return {
    '': {
      entityTypes: {
        TrustDomain: {},
        Group: {},
        Untyped: {},
        Agent: {
          memberOfTypes: ['TrustDomain', 'Group'],
          shape: record({
            spiffe_id: STRING,
            trust_domain: STRING,
            attestation: optional(STRING),
            registered: optional({ type: 'Boolean' }),
            owner: optional({ type: 'Entity', name: 'Person' }),
            owner_group: optional({ type: 'Entity', name: 'Group' }),
          }),
        },
        Person: {
          memberOfTypes: ['Group'],
          shape: record({
            issuer: STRING,
            subject: STRING,
            email: optional(STRING),
            acr: optional(STRING),
            auth_time: optional({ type: 'Extension', name: 'datetime' }),
            amr: TEXTS,
          }),
        },
        Target: { shape: record({ name: STRING, sensitivity: SENSITIVITY }) },
        Resource: { memberOfTypes: ['Target'], shape: record({ name: STRING, sensitivity: SENSITIVITY }) },
      },
      actions: {
        ...Object.fromEntries(EFFECTS.map((effect) => [effect, {}])),
        ...Object.fromEntries(actions.map((action) => [action.id, actionType(action)])),
      },
    },
  } as SchemaJson<string>;
}

function actionType({ effect, args, parameters = EMPTY, did = EMPTY }: SchemaAction) {
  return {
    memberOf: [{ id: effect }],
    appliesTo: {
      principalTypes: ['Agent', 'Person'],
      resourceTypes: ['Target', 'Resource'],
      context: record({
        args,
        provenance: optional(provenanceOf(args)),
        leases: optional(
          record({
            count: LONG,
            kinds: TEXTS,
            minted_by: TEXTS,
            inherited: { type: 'Boolean' },
            oldest_seconds: LONG,
          }),
        ),
        flow: optional(record({ targets: TEXTS, addresses: TEXTS, settings: TEXTS, content: TEXTS, links: TEXTS })),
        sensitivity: SENSITIVITY,
        now: record({ time: { type: 'Extension', name: 'datetime' }, hour: LONG, weekday: LONG }),
        approved: { type: 'Boolean' },
        delegator: optional({ type: 'Entity', name: 'Person' }),
        token: optional(record({ age_seconds: LONG, binding: STRING })),
        task: optional(
          record({
            id: STRING,
            delegator: { type: 'Entity', name: 'Person' },
            agent: { type: 'Entity', name: 'Agent' },
            purpose: STRING,
            profile: optional(record({ name: STRING, version: LONG })),
            parameters,
            sensitivity: SENSITIVITY,
            age_seconds: LONG,
            calls: LONG,
            left: record({
              calls: LONG,
              effect: optional(LONG),
              operation: optional(LONG),
              sum: optional({ type: 'Extension', name: 'decimal' }),
            }),
            depth: LONG,
            labels: TEXTS,
            touched: SENSITIVITY,
            did,
            effects: record(Object.fromEntries(EFFECTS.map((each) => [each, LONG]))),
          }),
        ),
        root: optional(
          record({
            id: STRING,
            agent: { type: 'Entity', name: 'Agent' },
            purpose: STRING,
            age_seconds: LONG,
            calls: LONG,
          }),
        ),
        origin: optional(
          record({
            channel: STRING,
            trust: STRING,
            author: optional(STRING),
            digest: optional(STRING),
            signed: { type: 'Boolean' },
          }),
        ),
        chain: optional({ type: 'Set', element: { type: 'Entity', name: 'Agent' } }),
      }),
    },
  };
}

function provenanceOf(args: CedarType): CedarType {
  const names = args.type === 'Record' ? Object.keys(args.attributes) : [];
  return record(Object.fromEntries(names.map((name) => [name, optional(STRING)])));
}

function record(attributes: Record<string, Attribute>): CedarType {
  return { type: 'Record', attributes };
}

function optional(type: CedarType): Attribute {
  return { ...type, required: false };
}
