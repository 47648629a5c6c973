import type { PeopleProvider } from '../config/identity-config.ts';

/** Public, at `/.well-known/remit-configuration`: where the people of this Remit sign in, for `remit login`. */
export function remitConfiguration(publicUrl: string, people: readonly PeopleProvider[]): Record<string, unknown> {
  return {
    issuer: publicUrl,
    people: people.map((provider) => ({
      issuer: provider.issuer,
      client_id: provider.clientId,
      scopes: provider.scopes,
      ...(provider.requiredAcr === null ? {} : { acr_values: provider.requiredAcr }),
      ...(provider.maxAuthAgeSeconds === null ? {} : { max_age: provider.maxAuthAgeSeconds }),
    })),
  };
}
