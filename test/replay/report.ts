import type { Measured, Miss } from './measure.ts';

/** One figure, as `--json` prints it. Shares are between 0 and 1; the interval is one of 95 %. */
export type Figure = {
  name: string;
  value: number;
  unit: 'share' | 'approvals';
  suite: string;
  interval: [low: number, high: number];
  /** How many of the cases, and how many cases there are. */
  of?: number;
  among: number;
};

/** What there is to tell of one suite; a figure of no cases is none. */
export function figuresOf(measured: Measured): Figure[] {
  const { suite, approvals } = measured;
  const shares = {
    'benign.unattended': measured.unattended,
    'benign.one_approval': measured.oneApproval,
    'benign.actions': measured.actions,
    'attacks.stopped': measured.stopped,
    'attacks.calls.stopped': measured.attackCalls,
  };
  const figures = Object.entries(shares).flatMap(([name, share]): Figure[] =>
    share.among === 0
      ? []
      : [
          {
            name,
            value: share.share,
            unit: 'share',
            suite,
            interval: share.interval,
            of: share.of,
            among: share.among,
          },
        ],
  );
  const { mean, interval, among } = approvals;
  if (among > 0)
    figures.splice(2, 0, { name: 'approvals_per_task', value: mean, unit: 'approvals', suite, interval, among });
  return figures;
}

export function figureLine({ name, value, unit, interval, of, among }: Figure): string {
  const [low, high] = interval;
  const text =
    unit === 'share'
      ? `${percent(value)}  [${percent(low)}, ${percent(high)}]  ${of ?? ''} of ${among}`
      : `${value.toFixed(2)}    [${low.toFixed(2)}, ${high.toFixed(2)}]  over ${among} tasks`;
  return `  ${name.padEnd(27)} ${text}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).padStart(5)} %`;
}

const SHOWN = 160;

/** What was not as it should be, those of a kind together, the most frequent first. */
export function residue(misses: readonly Miss[]): string[] {
  return misses.map(({ episode, call, outcome, policies }) => {
    const cut = call.length > SHOWN ? `${call.slice(0, SHOWN)}…` : call;
    return `    ${episode}: ${cut} (${[outcome, ...policies].join(', ')})`;
  });
}

/** Printed with every result. */
export const LIMITS = [
  'calls are played as recorded: a call that is denied or held would have changed what the agent does next',
  'attacks are static: nobody has adapted them to these policies',
  'every hold of something that the delegator wanted is taken to be approved, each by itself',
  "the catalogue is the classifier's guess from names, texts and schemas; nobody has corrected it",
  'which operations return what outsiders wrote is configured; one that is left out would be trusted',
];
