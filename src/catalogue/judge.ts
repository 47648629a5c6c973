import type { Effect } from '../core/effect.ts';
import type { Certainty } from './classify.ts';
import type { Evidence, Sign } from './evidence.ts';

export type Judgement = { effect: Effect; certainty: Certainty; why: string[] };

/**
 * Weighs the signs. It is a read only where a sign says so and every sign that could say otherwise is outweighed; what else
 * it is, the most specific of the signs says.
 */
export function judge(evidence: Evidence): Judgement {
  const { signs, secrets } = evidence;
  const against = signs.filter(({ effect }) => effect !== 'read');
  const reads = signs.filter(({ effect }) => effect === 'read');
  if (isRead(evidence, against, reads)) {
    const certainty = certaintyOf(reads, against);
    return { effect: 'read', certainty, why: [...reads, ...against].map(({ why }) => why) };
  }
  if (against.length === 0) {
    return {
      effect: 'write',
      certainty: 'guess',
      why: ['nothing says that it only reads', ...reads.map(({ why }) => why)],
    };
  }
  const effect = specific(signs, against, secrets);
  const why = [
    ...against.filter((sign) => sign.effect === effect),
    ...against.filter((sign) => sign.effect !== effect),
    ...reads,
  ];
  return {
    effect,
    certainty: certaintyOf(
      against,
      reads.filter(({ from }) => from !== 'method'),
    ),
    why: why.map((sign) => sign.why),
  };
}

function isRead({ signs, secrets }: Evidence, against: readonly Sign[], reads: readonly Sign[]): boolean {
  if (against.some(({ clear }) => clear)) return false;
  const method = signs.find(({ from }) => from === 'method');
  const plain = method?.effect === 'read';
  // An answer with a secret to anything but a plain request for it is a new secret.
  if (secrets.length > 0 && !plain) return false;
  // GraphQL has a kind for reading; only what can be nothing but a change is believed against it.
  if (plain && method.clear) return true;
  const clear = reads.filter((sign) => sign.clear);
  // A path that says again what the name says is no second sign.
  const named = reads.some(({ from }) => from === 'name');
  const only = reads.filter(({ from, doing }) => doing !== true && !(named && from === 'path'));
  if (against.length === 0) {
    const does = reads.some(({ from, doing }) => from === 'name' && doing === true);
    return plain || clear.length > 0 || (!does && only.length > 0 && reads.length > 1);
  }
  const doubted = (from: Sign['from']) => against.some((sign) => sign.from === from);
  if (doubted('name')) return plain && clear.some(({ from }) => from === 'text' || from === 'scopes');
  // A part of the path may be a thing (`/merge`); what is got from it is said in the name or the text.
  if (doubted('path')) return plain && reads.some(({ from }) => from === 'name' || from === 'text');
  // What most often writes is outweighed by a clear word, or by two that only compute.
  return clear.length > 0 || only.length > 1;
}

/** Of what is not a read: the name before the path before the text, a particular effect before a plain write. */
function specific(signs: readonly Sign[], against: readonly Sign[], secrets: string[][]): Effect {
  const method = signs.find(({ from }) => from === 'method');
  const byPlace = PLACES.flatMap((place) => against.filter(({ from }) => from === place));
  if (byPlace.some(({ effect, clear }) => effect === 'mint' && clear)) return 'mint';
  if (method?.effect === 'delete') return 'delete';
  const making = byPlace.every(({ effect }) => effect === 'write' || effect === 'mint');
  if (secrets.length > 0 && making && method?.effect !== 'read' && !method?.clear) return 'mint';
  const particular = byPlace.filter(({ effect, clear }) => effect !== 'write' && clear);
  const [first] = particular.filter(({ from }) => from !== 'method');
  if (first !== undefined) return first.effect;
  return byPlace[0]?.effect ?? 'write';
}

const PLACES: readonly Sign['from'][] = ['name', 'path', 'text', 'arguments', 'scopes', 'hints', 'method'];

/** A path most often says again what the name says. */
const placeOf = ({ from }: Sign) => (from === 'path' ? 'name' : from);

function certaintyOf(pro: readonly Sign[], contra: readonly Sign[]): Certainty {
  const clear = new Set(pro.filter((sign) => sign.clear).map(placeOf));
  const all = new Set(pro.map(placeOf));
  if (contra.length > 0) {
    // Two clear words outweigh what a method most often means, and nothing else.
    const outweighed = contra.every((sign) => sign.from === 'method' && !sign.clear);
    return outweighed && clear.size > 1 ? 'likely' : 'guess';
  }
  if (clear.size > 0 && all.size > 1) return 'certain';
  return clear.size > 0 || all.size > 1 ? 'likely' : 'guess';
}
