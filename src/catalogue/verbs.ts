import type { Effect } from '../core/effect.ts';
import { formsOf, type Inflection } from './words.ts';

/**
 * What a verb says of an operation. A `clear` verb says one thing wherever it stands; the others are nouns as well (`issue`,
 * `report`, `lock`) or do different things to different objects (`open`, `verify`): they count only where a verb stands.
 */
export type Sense = { lemma: string; effect: Effect; clear: boolean; inflection: Inflection };

/** Readings that do something to read: `test a webhook`, `export to a branch`. They say nothing against a POST, nor by themselves. */
export const DOING: ReadonlySet<string> = new Set(
  'test export scan crawl scrape dump trace collect load map take report obtain provide return give monitor watch poll'.split(
    ' ',
  ),
);

/** English verbs of interfaces, by what they do. Where a verb could stand in two rows it stands in the more dangerous. */
const CLEAR: Readonly<Record<Effect, string>> = {
  read: `get list read fetch retrieve search find describe lookup count query browse enumerate inspect examine peek show
    display compare diff explain summarize whoami discover paginate scroll introspect autocomplete suggest tail grep
    glob observe listen has is can exists estimate preview render lint parse decode translate calculate compute ls whois nslookup`,
  write: `create add insert append put set update upsert modify edit rename move replace write overwrite rewrite save assign
    reassign associate enable disable activate deactivate reactivate unarchive restore unpin unstar unlock unblock unfollow
    unsubscribe subscribe reopen approve reject deny dismiss accept decline cancel suspend unsuspend resume pause join leave
    configure reconfigure reschedule pay submit prioritize reprioritize toggle adjust increment decrement attach bind populate
    initialize init migrate sync synchronize undo redo unmute unban promote demote onboard enroll apply reorder unmark
    complete finalize void reconcile withdraw snooze unflag protect unprotect mkdir chmod chown reindex customize redeem
    escalate acknowledge ack close unstage rebase cordon uncordon annotate resize allocate provision duplicate override amend
    upvote downvote reset rotate ensure undelete grant`,
  delete: `delete del remove destroy purge erase wipe clear revoke invalidate uninstall unregister deregister terminate kill prune
    discard truncate flush evict teardown expire unset cleanup kick detach disassociate dissociate untag unlink unassign
    shred expunge redact undeploy deprovision decommission dequeue rm rmdir unmount unpublish retire unshare deallocate`,
  execute: `execute exec invoke restart reboot relaunch rerun retry evaluate eval shutdown redeploy spawn perform start
    stop poweroff poweron`,
  send: 'send resend notify publish deliver redeliver announce republish remind retweet nudge multicast',
  mint: 'mint authenticate impersonate assume regenerate reissue presign',
  delegate: 'delegate handoff entrust',
};

const UNCLEAR: Readonly<Record<Effect, string>> = {
  read: `check validate simulate identify detect analyze recall
    recommend predict classify rank filter sort sum aggregate monitor watch poll return give provide obtain download
    measure profile audit match highlight tokenize visit see locate view demonstrate echo gather extract determine indicate
    ask think reflect receive map wait sleep test export scan crawl scrape dump trace collect load take report`,
  write: `open use manage handle process make do fork lock block follow like rate vote react comment review request order book
    charge capture bill record log track star hold release stack name number enter prepare build transform resolve verify
    confirm keep sign access switch change support buy sell trade fill exchange select focus hover fold control operate
    manipulate choose place arrange group award ingest index cache checkpoint post help debug answer interact solve
    improve optimize transition advance swap pick split scale mutate declare define design plan propose compose generate push
    pull act clarify label squash touch ban cut hide reveal present correct fix draft tick score settle issue begin new store
    upload import link archive pin tag transfer register schedule purchase refund patch commit copy clone backup setup signup
    checkin checkout upgrade downgrade merge mark flag favorite bookmark reserve deposit extend stage mute seed cherrypick
    finish convert turn respond end unfurl roll consume claim lease repair`,
  delete: 'drop empty strip disconnect reap scrub abort trash drain logout forget pop clean',
  execute: `call connect ping train type navigate tap swipe boot wake fire drive proxy install drag run trigger launch replay
    deploy     rollback dispatch rollout click press play refresh shell bash repl terminal`,
  send: 'mail message sms text dm page alert fax contact email reply invite share forward broadcast tweet dial ring',
  mint: 'authorize login',
  delegate: '',
};

const SENSES: ReadonlyMap<string, { effect: Effect; clear: boolean }> = new Map(
  [false, true].flatMap((clear) =>
    Object.entries(clear ? CLEAR : UNCLEAR).flatMap(([effect, words]) =>
      words
        .split(/\s+/)
        .filter((word) => word !== '')
        // The keys of both tables are effects.
        .map((word) => [word, { effect: effect as Effect, clear }] as const),
    ),
  ),
);

/** The verb that a word may be, or `undefined`: the base form before a bent one. */
export function senseOf(word: string): Sense | undefined {
  for (const { lemma, inflection } of formsOf(word)) {
    const found = SENSES.get(lemma);
    if (found !== undefined) return { lemma, inflection, ...found };
  }
  // `resubmit`, `unhide`, `precompute`: what is not known by itself is a change of what its stem is.
  const stem = /^(?:re|un|pre|de|bulk|mass|auto|force)-?([a-z]{3,})$/.exec(word)?.[1];
  const sense = stem === undefined ? undefined : senseOf(stem);
  return sense === undefined
    ? undefined
    : { ...sense, lemma: word, clear: false, effect: word.startsWith('un') ? 'write' : sense.effect };
}
