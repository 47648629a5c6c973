import { ask, type AskParts } from '../approval/ask.ts';
import { actionDigest, type Action } from '../core/action.ts';
import { decisionRecord } from '../core/decision-record.ts';
import { ApprovalRequired, Forbidden } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { delegatorId } from '../core/party.ts';
import type { DecisionRecord } from '../core/record.ts';
import type { ApprovalStore } from '../store/ports.ts';
import { ownInput, type Asker, type AuthorizeParts, type OwnAction } from './authorize.ts';

export type AuthorizeOrAskParts = AuthorizeParts &
  Omit<AskParts, 'store'> & { store: Pick<ApprovalStore, 'requestApproval' | 'givenApproval'> };

export type ApprovableAction = OwnAction & {
  /**
   * What was asked, where the action holds more than that, such as an id or a time that is made anew with each request:
   * the same request made again after the approval has to be the same action.
   */
  asked?: Pick<Action, 'resources' | 'arguments'>;
  /**
   * Looks at whether asking would be in vain, and resolves with what the approver sees beside the arguments.
   *
   * @throws what the asker is told instead of being held
   */
  beforeAsking?: () => Promise<JsonObject>;
};

/**
 * As `authorize`, for an operation that people may be asked to approve. Resolves with the record of the permit and the
 * approval that it spends, both for the store verb that takes effect.
 *
 * @throws Forbidden after the denial, ApprovalRequired after the hold has been recorded.
 */
export async function authorizeOrAsk(
  asker: Asker,
  own: ApprovableAction,
  parts: AuthorizeOrAskParts,
): Promise<{ record: DecisionRecord; approval: string | null }> {
  const { asked, beforeAsking, ...action } = own;
  const plain = ownInput(asker, action, parts);
  const digest = actionDigest(
    { ...plain.action, ...asked },
    {
      agent: plain.agent?.id ?? null,
      delegator: plain.delegator === null ? '' : delegatorId(plain.delegator),
      chain: plain.chain.map(({ task }) => task.id),
      policySet: parts.pdp().policySet,
    },
    parts.sha256,
  );
  const approval = parts.store.givenApproval(plain.chain[0]?.task.id ?? null, digest, plain.now) ?? null;
  const input = { ...plain, approval };
  const decision = parts.pdp().decide(input);
  const id = parts.newId('rec');
  parts.referee.consider({ record: id, input, decision });
  const record = (about: DecisionRecord['approval']): DecisionRecord =>
    decisionRecord(
      {
        id,
        request: asker.request,
        input,
        decision,
        approval: about,
        token: asker.token === null ? null : { id: asker.token.id, key: asker.token.key },
      },
      parts.sha256,
    );
  const reasons = decision.reasons.map(({ message }) => message).join('; ');
  switch (decision.outcome) {
    case 'permit': {
      const spent = decision.liftedByApproval.length > 0 ? approval : null;
      const stated = spent === null ? null : { id: spent.id, approvers: spent.approvers.map(delegatorId) };
      return { record: record(stated), approval: spent?.id ?? null };
    }
    case 'deny':
      await parts.log.append([record(null)]);
      throw new Forbidden(reasons);
    case 'hold': {
      const more = await beforeAsking?.();
      const said = { ...input.action, ...asked };
      const shown = { ...input, action: { ...said, arguments: { ...said.arguments, ...more } } };
      const outcome = await ask({ input: shown, decision, digest, record }, parts);
      if ('notAsked' in outcome) {
        throw new Forbidden(`held (${reasons}); nobody is asked to approve it: ${outcome.notAsked}`);
      }
      const { id: waits, approvers, state, expiresAt } = outcome.waitsFor;
      if (state === 'refused') {
        const until = new Date(expiresAt).toISOString();
        throw new Forbidden(`approval \`${waits}\` was refused; do not ask for the same again before ${until}`);
      }
      const who = approvers.map((rule) => `\`${rule}\``).join(' and ');
      throw new ApprovalRequired(
        `approval \`${waits}\` is needed from ${who} (${reasons}); ask again with the same request after it is approved`,
        outcome.waitsFor,
      );
    }
  }
}
