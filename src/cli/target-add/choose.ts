import { EFFECTS, type Effect } from '../../core/effect.ts';
import { SENSITIVITIES, type Sensitivity } from '../../core/sensitivity.ts';
import { argumentsOf, type Guessed } from '../../catalogue/guess.ts';
import { UsageError, type Io } from '../io.ts';
import { rowOf } from './table.ts';

/** What the command line says of the guesses. */
export type Choices = { accept: 'all' | 'certain' | 'none'; arguments: boolean; set: readonly string[] };

/** Accepts what the command line says, and no more. @throws UsageError at an operation or effect that there is not. */
export function choose(operations: readonly Guessed[], { accept, arguments: agreed, set }: Choices): void {
  for (const each of operations) {
    each.agreed = agreed;
    if (accept === 'all' || (accept === 'certain' && each.guess.certainty === 'certain')) each.accepted = each.guess;
  }
  const byName = new Map(operations.map((each) => [each.operation.name, each]));
  for (const text of set) {
    const at = text.lastIndexOf('=');
    const one = byName.get(text.slice(0, at));
    const said = at < 0 ? null : saidOf(text.slice(at + 1));
    if (said === null)
      throw new UsageError(`\`--set ${text}\`: expected OPERATION=EFFECT or OPERATION=EFFECT:SENSITIVITY`);
    if (one === undefined) throw new UsageError(`\`--set ${text}\`: there is no operation \`${text.slice(0, at)}\``);
    one.accepted = { effect: said.effect, sensitivity: said.sensitivity ?? one.guess.sensitivity };
  }
}

/** `write`, `write:restricted`; `null` for what is neither. */
function saidOf(text: string): { effect: Effect; sensitivity: Sensitivity | undefined } | null {
  const [first, second, ...rest] = text.trim().split(':');
  const effect = EFFECTS.find((each) => each === first);
  const sensitivity = SENSITIVITIES.find((each) => each === second);
  if (effect === undefined || rest.length > 0 || (second !== undefined && sensitivity === undefined)) return null;
  return { effect, sensitivity };
}

const HELP = `enter accepts; ${EFFECTS.join(', ')} (with :${SENSITIVITIES.join(', :')}) says otherwise;
s leaves it denied; q leaves all that are left denied`;

/** Asks a person: of what is certain together, of the rest one by one, what does most first. */
export async function askFor(operations: readonly Guessed[], io: Io, ask: NonNullable<Io['ask']>): Promise<void> {
  const certain = operations.filter(({ guess }) => guess.certainty === 'certain');
  const rest = operations.filter(({ guess }) => guess.certainty !== 'certain');
  if (certain.length > 0) {
    const answer = await ask(`accept the ${certain.length} of which the guess is certain? [y/N] `);
    if (answer === null) return;
    if (/^y(?:es)?$/i.test(answer.trim())) for (const each of certain) each.accepted = each.guess;
    else rest.unshift(...certain);
  }
  if (rest.length > 0) io.out(HELP);
  for (const each of rest.toSorted((a, b) => EFFECTS.indexOf(b.guess.effect) - EFFECTS.indexOf(a.guess.effect))) {
    io.out(rowOf(each));
    if (!(await askOne(each, ask))) return;
  }
}

/** Asks once of the arguments of all that was accepted: each was shown with its row. */
export async function askForArguments(operations: readonly Guessed[], ask: NonNullable<Io['ask']>): Promise<void> {
  const said = operations.filter(
    (each) => each.accepted !== null && Object.values(argumentsOf(each)).some((values) => values.length > 0),
  );
  if (said.length === 0) return;
  const answer = await ask(`write what is proposed of the arguments of ${said.length} of them? [y/N] `);
  if (/^y(?:es)?$/i.test(answer?.trim() ?? '')) for (const each of said) each.agreed = true;
}

/** Whether there is more to ask: not when the person has left. */
async function askOne(each: Guessed, ask: NonNullable<Io['ask']>): Promise<boolean> {
  for (;;) {
    const answer = (await ask(`${each.guess.effect}:${each.guess.sensitivity}? `))?.trim();
    if (answer === undefined || answer === 'q') return false;
    if (answer === 's') return true;
    const said = answer === '' ? each.guess : saidOf(answer);
    if (said === null) continue;
    each.accepted = { effect: said.effect, sensitivity: said.sensitivity ?? each.guess.sensitivity };
    return true;
  }
}
