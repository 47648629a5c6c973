import { isAlphanumeric } from './character-class.ts';

/**
 * What a name says of the value beside it. `password`: chosen by a person, so anything goes; `secret`: made by a
 * machine; `issuer`: the name of somebody who issues secrets; `hint`: what is one as often as not, such as a `key`.
 */
export type NameKind = 'password' | 'secret' | 'issuer' | 'hint';

const words = (text: string) => new Set(text.split(/\s+/));

const PASSWORD = words('password passwd passwort pwd passphrase passcode pass pw psw mdp contrasena');

const SECRET = words(
  `secret secrets token tokens apikey apitoken apisecret apipassword accesskey secretkey privatekey authkey authtoken
  accesstoken refreshtoken clientsecret credential credentials cred creds authorization bearer jwt pat webhooksecret
  signingkey signingsecret encryptionkey masterkey accountkey sharedkey sharedaccesskey servicekey licensekey deploykey
  hmac otpauth connectionstring keystring sas cookie sessionid sessid jsessionid phpsessid`,
);

/** Words that make a `key` after them a secret one: `api key`, `master key`, `account-key`. */
const KEEPS_KEY_SECRET = words(
  `api access secret private auth signing encryption encrypt decryption master account shared service app application
  admin client user write root storage session webhook license deploy live prod production test sandbox hmac aes ssh
  rsa tls ssl jwt cookie x unseal fernet subscription function host management ingestion instrumentation integration data`,
);

/** Words that make what follows them another thing: a page token, a public key, a count of tokens. */
const OTHER_BEFORE = words(
  `public pub primary foreign partition sort range cache object bucket idx index row natural hot group message routing
  translation i18n map dict unique composite candidate lookup registry answer issuer csrf xsrf next page continuation
  cursor sync pagination max min total num number prompt completion input output cancellation cancel count first last
  authenticity antiforgery requestverification verification eos bos pad unk stop start end lexer parser syntax no without is has use with`,
);

/** Words that, after a secret's, name something about it instead of it: `token_id`, `secret name`, `key-length`. */
const ABOUT = words(
  `id ids identifier name names type types length len size count version ver url urls uri uris endpoint endpoints host
  hostname port path paths file files filename folder dir directory alias aliases label hint expiry expires expiration
  expired expiresin expiresat ttl lifetime age at time timestamp date format algorithm alg status state policy class
  provider prefix suffix usage limit limits kind scope scopes field column index manager store vault ring board word
  words code event press down up frame pair pairs stone selector signature pattern regex required enabled disabled budget
  used arn ref reference hash sha sha1 sha256 md5 digest checksum fingerprint thumbprint description desc title comment
  owner location position point less map mesh source issuer audience rotation strategy method mode option options config
  param params parameter header generator factory handler validator service sid slot set code codes character characters
  binding resolver`,
);

const ISSUERS = words(
  `adafruit adobe airtable algolia alibaba aliyun amazon anthropic asana atlassian authress aws azure beamer bedrock
  bitbucket bittrex buildkite cisco circleci clickhouse clojars cloudflare codecov cohere coinbase confluent contentful
  contribsys databricks datadog deepseek digitalocean discord docker doppler drone droneci dropbox duffel dynatrace
  easypost etsy facebook fastly figma finicity finnhub firebase flickr flutterwave fly flyio frameio freemius freshbooks
  gcp gemini github gitlab gitter gocardless google grafana groq harness hashicorp heroku hetzner hubspot huggingface
  infracost instagram intercom intra42 jenkins jfrog jira artifactory kraken kucoin launchdarkly linear linkedin lob looker
  mailchimp mailgun mapbox mattermost maxmind meraki messagebird mistral mixpanel netlify newrelic notion npm nvidia nytimes
  octopus okta onelogin openai openshift pagerduty paypal perplexity plaid planetscale postman prefect privateai pulumi
  pypi rapidapi readme rubygems salesforce scalingo segment sendbird sendgrid sendinblue sentry settlemint shippo shopify
  sidekiq slack snowflake snyk sonar sonarqube sourcegraph spotify square squarespace stripe sumo sumologic supabase
  telegram telegr teams terraform tfe travis trello twilio twitch twitter typeform vault vercel yandex zendesk zoom`,
);

/** Words by which a name says that this is none. */
const DENIES = words('non invalid wrong fake dummy mock bogus example sample placeholder expected nonce');

/** `pgpassword`, `appsecret`: names that are written in one word. */
const IN_ONE = /^(.{2,40}?)(password|passwd|pwd|secret|token|apikey|accesskey|secretkey)$/;

/** `nextpagetoken`, `csrfmiddlewaretoken`: what stands before makes them another thing, as above. */
const OTHER_IN_ONE =
  /(?:page|csrf|xsrf|middleware|verification|continuation|cursor|next|skip|sync|public|cancellation)$/;

const HINT = words('key keys auth access session sid sig otp pin seed dsn');

/** Words of languages and formats that say nothing of what is named. */
const SAYS_NOTHING = words(
  'var val let const string str text value values the is was of set export env def field static final public_ new optional ini',
);

/** The words of a name, in lower case: cut at separators, and where small letters meet capitals. */
export function nameWords(name: string): string[] {
  const words: string[] = [];
  let start = 0;
  for (let at = 0; at <= name.length; at++) {
    const cut = at === name.length || !isWordCharacter(name.charCodeAt(at));
    if (!cut && !beginsWord(name, at)) continue;
    if (at > start) addWord(words, name.slice(start, at).toLowerCase());
    start = cut ? at + 1 : at;
  }
  return words;
}

function addWord(words: string[], word: string): void {
  if (!SAYS_NOTHING.has(word)) words.push(word);
}

function isWordCharacter(code: number): boolean {
  return isAlphanumeric(code) || code > 127;
}

const isCapital = (code: number) => code >= 65 && code <= 90;

/** A capital after a small letter or a digit, and the last of several capitals before a small letter: `myAPIKey`. */
function beginsWord(name: string, at: number): boolean {
  if (at === 0 || !isCapital(name.charCodeAt(at))) return false;
  const before = name.charCodeAt(at - 1);
  const after = name.charCodeAt(at + 1);
  return !isCapital(before) || (after >= 97 && after <= 122);
}

/** What a name says, or `null` where it says nothing of a secret. Only its last words count: `secret` of `x_secret_file` is not it. */
export function judgeName(name: string): NameKind | null {
  const all = nameWords(name);
  if (all.some((word) => DENIES.has(word))) return null;
  let about = false;
  let kind: NameKind | null = null;
  for (let at = 0; at < all.length; at++) {
    const word = withoutNumber(all[at]!);
    const [before, next] = [all[at - 1] ?? '', all[at + 1] ?? ''];
    const found = kindOf(word, before, next);
    // `stripe_token_url` is about a token though `stripe` alone would stand for one.
    if (found !== null && !OTHER_BEFORE.has(before)) [kind, about] = [stronger(kind, found), false];
    else if (ABOUT.has(word) || found !== null) about = true;
  }
  return about ? null : kind;
}

/** `token1` is a token. */
function withoutNumber(word: string): string {
  let end = word.length;
  while (end > 1 && word.charCodeAt(end - 1) <= 57) end--;
  return end === word.length ? word : word.slice(0, end);
}

function kindOf(word: string, before: string, next: string): NameKind | null {
  if (PASSWORD.has(word)) return 'password';
  if (SECRET.has(word)) return 'secret';
  if (word === 'key' || word === 'keys') {
    // `newsapi_key`: of an interface that nobody here knows.
    const keeps = KEEPS_KEY_SECRET.has(before) || ISSUERS.has(before) || /[a-z]api$/.test(before);
    return keeps ? 'secret' : 'hint';
  }
  if (HINT.has(word)) return 'hint';
  const [, first, last] = IN_ONE.exec(word) ?? [];
  if (first !== undefined && last !== undefined && !OTHER_BEFORE.has(first) && !OTHER_IN_ONE.test(first))
    return PASSWORD.has(last) ? 'password' : 'secret';
  if (ISSUERS.has(word) || ISSUERS.has(word + next)) return 'issuer';
  return null;
}

const RANK = { hint: 0, issuer: 1, secret: 2, password: 3 };

function stronger(one: NameKind | null, other: NameKind): NameKind {
  return one !== null && RANK[one] > RANK[other] ? one : other;
}
