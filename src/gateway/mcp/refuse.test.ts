import { expect, test } from 'vitest';
import type { Approval } from '../../core/approval.ts';
import type { Decision } from '../../core/decision.ts';
import type { TargetConfig } from '../../config/config.ts';
import { callerOf, createOpenGateway, permit } from '../../../test/conformance/open-gateway.ts';
import { stateless } from '../../../test/conformance/mcp-client.ts';
import { refuse } from './refuse.ts';
import type { McpStep } from './request.ts';

const target: TargetConfig = {
  name: 'api',
  kind: 'mcp',
  upstream: { kind: 'http', url: 'http://127.0.0.1:1/', headers: {} },
  sensitivity: 'internal',
  timeoutMs: 1000,
  maxAnswerBytes: 1000,
  clientCapabilities: [],
  operations: { 'resources/read': { effect: 'read' } },
};

/** A gateway whose every decision is this one. Its upstream is not there: a refusal must not need it. */
function deciding(decision: Decision, waitingFor?: Partial<Approval>) {
  const decide: McpStep = {
    name: 'decide',
    run: (exchange) => {
      exchange.decision = decision;
      exchange.waitingFor = waitingFor as Approval;
      return undefined;
    },
  };
  const record: McpStep = {
    name: 'record',
    run: (exchange) => {
      exchange.recordId = 'rec_7';
      return refuse(Object.assign(exchange, { decision }), 'https://remit.example');
    },
  };
  const nothing = (name: McpStep['name']): McpStep => ({ name, run: () => undefined });
  const steps = { gather: nothing('gather'), decide, record, observe: nothing('observe') };
  return createOpenGateway([target], { steps, authenticate: async () => callerOf('tsk_1') }).gateway;
}

const denied: Decision = {
  ...permit(),
  outcome: 'deny',
  reasons: [{ code: 'outside_grant', message: '`x` is outside the grant', next: 'ask for a task that includes it' }],
};

test('a denied tool call is a result that a model can read and a program too', async () => {
  const answer = await stateless(deciding(denied), 'api', 'tools/call', { name: 'absent' });
  expect(answer.status).toBe(200);
  expect(answer.last['result']).toEqual({
    resultType: 'complete',
    isError: true,
    content: [{ type: 'text', text: 'denied: `x` is outside the grant; next: ask for a task that includes it' }],
    structuredContent: {
      remit: {
        decision: 'deny',
        codes: ['outside_grant'],
        reasons: ['`x` is outside the grant'],
        next: ['ask for a task that includes it'],
        record: 'rec_7',
      },
    },
  });
});

test('a held call says which approval is needed from whom, and what to do', async () => {
  const held: Decision = { ...permit(), outcome: 'hold', approvers: ['finance'] };
  const approval = { id: 'apr_1', approvers: ['finance'], expiresAt: 5000 };
  const answer = await stateless(deciding(held, approval), 'api', 'tools/call', { name: 'absent' });
  expect(answer.last['result']).toMatchObject({
    content: [
      {
        text: 'held: approval `apr_1` is needed from `finance`; call again with the same arguments after it is approved',
      },
    ],
    structuredContent: {
      remit: {
        decision: 'hold',
        approval: { id: 'apr_1', approvers: ['finance'], expires_at: 5000, retry_after_ms: 5000 },
      },
    },
  });
});

test.each([
  ['resources/read', { uri: 'doc:1' }],
  ['tools/list', {}],
])('a denied `%s` is an error', async (method, params) => {
  const answer = await stateless(deciding(denied), 'api', method, params);
  expect(answer.last['error']).toMatchObject({ code: -32001, data: { remit: { codes: ['outside_grant'] } } });
});
