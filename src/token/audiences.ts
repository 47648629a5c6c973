import type { TargetConfig } from '../config/config.ts';
import { targetResource } from '../core/target-resource.ts';

/** The audiences of the targets whose configured resource server a workload is. */
export function audiencesOf(
  workload: string,
  targets: Iterable<Pick<TargetConfig, 'name' | 'kind' | 'resourceServer'>>,
  issuer: string,
): string[] {
  return [...targets]
    .filter(({ resourceServer }) => resourceServer === workload)
    .map(({ kind, name }) => targetResource(issuer, { protocol: kind, name }));
}
