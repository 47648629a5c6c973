/** The AuthZEN gateway, over the parts that every PEP shares. */
import { createAuthzenGateway, type AuthzenGateway, type AuthzenGatewayDeps } from '../gateway/authzen/gateway.ts';

/** @throws InvalidConfig for a target that cannot be served. */
export function openAuthzenGateway({ targets, ...deps }: AuthzenGatewayDeps): AuthzenGateway {
  const own = new Map([...targets].filter(([, { kind }]) => kind === 'authzen'));
  return createAuthzenGateway({ ...deps, targets: own });
}
