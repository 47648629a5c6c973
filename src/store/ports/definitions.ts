import type { Records } from './records.ts';

/** Pinned tool definitions (invariant 12). */
export interface DefinitionStore {
  definition(target: string, operation: string): DefinitionPin | undefined;
  definitions(target: string): DefinitionPin[];
  /** First sight pins; the same digest changes nothing; another digest quarantines until `acceptDefinition`. */
  observeDefinition(
    seen: { target: string; operation: string; digest: string; definition: string; at: number },
    records: (verdict: 'pinned' | 'changed') => Records,
  ): Promise<'pinned' | 'unchanged' | 'changed'>;
  /** Accepts the quarantined definition with exactly this digest. */
  acceptDefinition(
    accepted: { target: string; operation: string; digest: string },
    records: Records,
  ): Promise<'accepted' | 'not_quarantined' | 'other_digest'>;
}

export type DefinitionPin = {
  target: string;
  operation: string;
  /** `sha256:` over the RFC 8785 form of name, description and schemas. */
  digest: string;
  /** The definition that was accepted, as JSON text. */
  definition: string;
  /** A definition that differs and waits to be accepted. */
  quarantined?: { digest: string; definition: string };
};
