import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Effect } from '../../core/effect.ts';
import { operatorOf, partsOf, type Expr } from '../cedar/expression.ts';
import { argumentsType, type CedarType } from './argument-type.ts';
import type { Catalogue } from './catalogue.ts';
import { namesIn, namesInConstraint } from './names.ts';
import type { SchemaAction } from './schema.ts';

/** `applicable` are those that the head can reach; `named` stand in a condition, and have to exist. */
export type PolicyActions = {
  applicable: SchemaAction[];
  named: SchemaAction[];
  /** Whether the definitions of all operations that the head can reach have been seen. */
  argumentsSeen: boolean;
};

/** Actions that the validator cannot tell apart: one effect, one type of arguments. */
type Kind = { key: string; effect: Effect; hasInput: boolean; actions: KnownAction[] };
type KnownAction = SchemaAction & { kind: Kind };

/**
 * The actions of a catalogue, and which of them a policy has to be validated against. The validator's cost grows with
 * policies times actions, so one action stands for all of its kind, and for all of its effect where a policy does not
 * look at arguments. An action that a condition names stands for itself.
 */
export class ActionKinds {
  readonly #byId = new Map<string, KnownAction>();
  readonly #kinds = new Map<string, Kind>();

  constructor({ targets }: Catalogue) {
    for (const target of targets) {
      for (const { name, effect, input } of target.operations) {
        const hasInput = input !== null;
        const args: CedarType = hasInput ? argumentsType(input) : { type: 'Record', attributes: {} };
        const key = JSON.stringify([effect, hasInput, args]);
        let kind = this.#kinds.get(key);
        if (kind === undefined) this.#kinds.set(key, (kind = { key, effect, hasInput, actions: [] }));
        const action: KnownAction = { id: `${target.name}:${name}`, effect, args, kind };
        kind.actions.push(action);
        this.#byId.set(action.id, action);
      }
    }
  }

  /** The actions to validate a policy against. Without an `applicable` one there is nothing to validate. */
  of(json: PolicyJson): PolicyActions {
    const usesArguments = json.conditions.some(({ body }) => looksAtArguments(body));
    const named = this.#namedInConditions(json);
    const chosen = new Map<string, KnownAction>();
    let argumentsSeen = true;
    for (const action of this.#reachedByHead(json, named)) {
      const { kind, id, effect } = action;
      argumentsSeen &&= kind.hasInput;
      // Of an operation whose definition nobody has seen, the arguments cannot be checked.
      if (usesArguments && !kind.hasInput) continue;
      const key = named.has(id) ? id : usesArguments ? kind.key : effect;
      if (!chosen.has(key)) chosen.set(key, named.has(id) ? action : standIn(action, named));
    }
    return { applicable: [...chosen.values()].map(plain), named: [...named.values()].map(plain), argumentsSeen };
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** The operations of these ids that there are, each with its own arguments. */
  exactly(ids: Iterable<string>): SchemaAction[] {
    return Array.from(ids, (id) => this.#byId.get(id))
      .filter((action) => action !== undefined)
      .map(plain);
  }

  #namedInConditions(json: PolicyJson): Map<string, KnownAction> {
    const named = new Map<string, KnownAction>();
    for (const { type, id } of namesIn(json).conditions) {
      const action = type === 'Action' ? this.#byId.get(id) : undefined;
      if (action !== undefined) named.set(id, action);
    }
    return named;
  }

  *#reachedByHead(json: PolicyJson, named: ReadonlyMap<string, KnownAction>): Generator<KnownAction> {
    const head = actionsInHead(json);
    const reaches = ({ effect }: { effect: Effect }) => head === null || head.has(effect);
    for (const id of head ?? []) {
      const action = this.#byId.get(id);
      if (action !== undefined) yield action;
    }
    for (const action of named.values()) if (reaches(action)) yield action;
    for (const kind of this.#kinds.values()) if (reaches(kind)) yield standIn(kind.actions[0]!, named);
  }
}

/** An action of the same kind that the policy does not name, if there is one. */
function standIn(action: KnownAction, named: ReadonlyMap<string, KnownAction>): KnownAction {
  return action.kind.actions.find(({ id }) => !named.has(id)) ?? action;
}

function plain({ id, effect, args }: KnownAction): SchemaAction {
  return { id, effect, args };
}

/** The ids of the actions and effects of the head, or `null` for any. */
export function actionsInHead({ action }: PolicyJson): Set<string> | null {
  if (action.op === 'All') return null;
  return new Set(namesInConstraint(action).map(({ id }) => id));
}

function looksAtArguments(expr: Expr): boolean {
  const pending = [expr];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const operator = operatorOf(next);
    if (operator.name === '.' || operator.name === 'has') {
      const { left, attr } = operator.body as { left: Expr; attr: string | string[] };
      const name = typeof attr === 'string' ? attr : attr[0]!;
      if ('Var' in left && left.Var === 'context' && (name === 'args' || name === 'provenance')) return true;
    }
    for (const part of partsOf(operator)) pending.push(part);
  }
  return false;
}
