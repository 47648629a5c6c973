import type { Effect } from '../core/effect.ts';
import type { Sensitivity } from '../core/sensitivity.ts';
import type { Described } from './classify.ts';
import { headOf, isCredential, singular } from './nouns.ts';
import { wordsOf } from './words.ts';

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** What does most harm in the wrong hands, by the nouns that name it (singular). */
const RESTRICTED = set(`
  password credential secret passphrase keypair token mfa payroll salary ssn passport medical health patient diagnosis prescription
  card payout biometric kyc vault encryption env environment_variable`);
const CONFIDENTIAL = set(`
  user member customer contact employee person people profile email address phone billing invoice payment charge refund
  subscription order account bank balance transaction message conversation chat mail inbox dm audit permission role policy grant
  security vulnerability alert admin organization team group hook webhook deal lead ticket case contract lawyer log session
  installation certificate backup dump identity collaborator attachment file document page reservation booking itinerary
  passenger traveler traveller appointment claim purchase loyalty recording voicemail transcript guest tenant student pupil
  subscriber policyholder applicant candidate borrower donor rider driver resident visitor beneficiary stay visit rental lease loan
  application enrollment enrolment bill statement delivery shipment warranty quote grade`);
const PUBLIC = set(`
  emoji license gitignore docs documentation doc help zen meta ping version timezone country currency language region
  locale healthz public time weather`);

/** How sensitive an operation is, from what it is about; `internal` where nothing speaks for anything else. */
export function sensitivityOf(
  { name, path, summary, tags }: Described,
  { effect, secrets }: { effect: Effect; secrets: readonly string[][] },
): { sensitivity: Sensitivity; because?: string } {
  if (effect === 'mint') return { sensitivity: 'restricted', because: 'restricted: it creates a way in' };
  const [secret] = secrets;
  if (secret !== undefined)
    return { sensitivity: 'restricted', because: `restricted: its answer holds \`${secret.join('.')}\`` };
  const words = wordsOf(`${name} ${path ?? ''} ${summary ?? ''} ${(tags ?? []).join(' ')}`);
  const nouns = words.map(singular);
  const restricted = nouns.find((word) => RESTRICTED.has(word)) ?? credentialIn(words);
  if (restricted !== undefined)
    return { sensitivity: 'restricted', because: `restricted: it is about \`${restricted}\`` };
  const confidential = nouns.find((word) => CONFIDENTIAL.has(word));
  if (confidential !== undefined)
    return { sensitivity: 'confidential', because: `confidential: it is about \`${confidential}\`` };
  const open = effect === 'read' ? nouns.find((word) => PUBLIC.has(word)) : undefined;
  return open === undefined
    ? { sensitivity: 'internal' }
    : { sensitivity: 'public', because: `public: it is about \`${open}\`` };
}

/** `access keys`, `recovery codes`: what is a credential only together. */
function credentialIn(words: readonly string[]): string | undefined {
  for (let at = 1; at < words.length; at++) {
    const pair = words.slice(at - 1, at + 1);
    if (singular(pair[1]!) === 'key' && !isCredentialKey(pair[0]!)) continue;
    const head = headOf(pair);
    if (
      head.before.length > 0 &&
      isCredential(head) &&
      !['session', 'ticket', 'certificate', 'token'].includes(head.head)
    )
      return pair.join(' ');
  }
  return undefined;
}

const isCredentialKey = (word: string) =>
  /^(?:api|access|secret|private|ssh|gpg|deploy|signing|encryption)$/.test(word);
