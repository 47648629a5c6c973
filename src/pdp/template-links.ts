import { InvalidConfig } from '../core/errors.ts';
import { policyToJson } from './cedar/to-json.ts';

/** A template with its slots filled. */
export type Link = { id: string; template: string; slots: Record<string, { type: string; id: string }> };

const MAX_UID_LENGTH = 4096;

/**
 * Links in the format of Cedar's own command line: a list of `{"template_id", "link_id", "args"}`, where `args` maps
 * `?principal` and `?resource` to entities such as `Group::"staff"`.
 *
 * @throws InvalidConfig naming the file and the link.
 */
export function parseLinks(file: string, text: string): Link[] {
  const links = parseJson(file, text);
  if (!Array.isArray(links)) throw new InvalidConfig(`${file}: is not a list of links`);
  return links.map((link: unknown, place) => {
    const { template_id, link_id, args, ...more } = (link ?? {}) as Record<string, unknown>;
    const where = `${file}: link ${place + 1}`;
    if (typeof template_id !== 'string' || typeof link_id !== 'string' || typeof args !== 'object' || args === null) {
      throw new InvalidConfig(`${where} needs \`template_id\`, \`link_id\` and \`args\``);
    }
    const unknown = Object.keys(more)[0];
    if (unknown !== undefined) throw new InvalidConfig(`${where} has an unknown member \`${unknown}\``);
    const slots = Object.entries(args).map(([slot, uid]) => [slot, parseUid(uid, where)] as const);
    return { id: link_id, template: template_id, slots: Object.fromEntries(slots) };
  });
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidConfig(`${file}: is not JSON: ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
}

/** Read by Cedar, as the one entity of a head that holds nothing else. */
function parseUid(text: unknown, where: string): { type: string; id: string } {
  if (typeof text === 'string' && text.length <= MAX_UID_LENGTH) {
    const head = `permit (principal == ${text}, action, resource);`;
    const parsed = policyToJson({ text: head, isTemplate: false, bigIntegers: [] });
    if (parsed.ok) {
      const { principal, action, resource, conditions } = parsed.json;
      const alone = action.op === 'All' && resource.op === 'All' && conditions.length === 0;
      if (alone && principal.op === '==' && 'entity' in principal) {
        const uid = '__entity' in principal.entity ? principal.entity.__entity : principal.entity;
        return { type: uid.type, id: uid.id };
      }
    }
  }
  throw new InvalidConfig(`${where} has a value that is not an entity such as \`Group::"staff"\``);
}
