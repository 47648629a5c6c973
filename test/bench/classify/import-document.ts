import { stringify } from 'yaml';
import { guessed } from '../../../src/catalogue/guess.ts';
import { importOpenApi } from '../../../src/catalogue/openapi/import.ts';
import { targetText } from '../../../src/catalogue/target-text.ts';
import { rounded, type Figure } from '../figures.ts';

const OPERATIONS = 1_200;

/** Seconds from the text of a large document to the text of a target file, in both notations. */
export function benchImport(): Figure[] {
  const document = documentOf(OPERATIONS);
  return [
    ['json', JSON.stringify(document)] as const,
    ['yaml', stringify(document, { aliasDuplicateObjects: false })] as const,
  ].map(([notation, text]) => {
    const start = performance.now();
    const target = importOpenApi({ file: `api.${notation}`, text, target: 'bench' });
    const operations = guessed(target.operations);
    targetText({ name: 'bench', source: 'api', target, operations });
    return {
      name: `classify.import.${OPERATIONS}.${notation}`,
      value: rounded((performance.now() - start) / 1000),
      unit: 's',
      note: `${rounded(text.length / 2 ** 20)} MiB`,
    };
  });
}

/** As large as the documents of interfaces of this size are: some eight kilobytes for each operation. */
function documentOf(count: number): object {
  const text = (words: number) => 'what it is good for '.repeat(words);
  const member = { type: 'string', description: text(5), example: 'one of them' };
  const members = (of: object) => Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`field_${at}`, of]));
  const schema = { type: 'object', properties: members({ type: 'object', properties: members(member) }) };
  const operation = (verb: string, at: number) => ({
    operationId: `things/${verb}-thing-${at}`,
    summary: `${verb} a thing`,
    description: text(20),
    parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
    responses: { '200': { description: 'ok', content: { 'application/json': { schema } } } },
  });
  const paths = Array.from({ length: count / 2 }, (_, at) => [
    `/things${at}/{id}`,
    { get: operation('get', at), post: operation('update', at) },
  ]);
  return { openapi: '3.1.0', servers: [{ url: 'https://api.example' }], paths: Object.fromEntries(paths) };
}
