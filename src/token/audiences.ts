import type { TargetConfig } from '../config/config.ts';

/** The audiences of the targets whose configured resource server a workload is. */
export function audiencesOf(
  workload: string,
  targets: Iterable<Pick<TargetConfig, 'name' | 'resourceServer'>>,
  issuer: string,
): string[] {
  return [...targets]
    .filter(({ resourceServer }) => resourceServer === workload)
    .map(({ name }) => `${issuer}/mcp/${name}`);
}
