import { describe, expect, test } from 'vitest';
import type { Effect } from '../core/effect.ts';
import type { JsonObject } from '../core/json.ts';
import { parseResourceTemplate } from '../gateway/resource-template.ts';
import { importMcp } from './mcp/import.ts';
import { importOpenApi } from './openapi/import.ts';
import { proposeArguments } from './propose-arguments.ts';

const STRING: JsonObject = { type: 'string' };

function ofTool(name: string, required: JsonObject, optional: JsonObject = {}, effect: Effect = 'write') {
  const inputSchema = { type: 'object', properties: { ...required, ...optional }, required: Object.keys(required) };
  const { operations } = importMcp({ from: 'test', tools: [{ name, inputSchema }], upstream: {} });
  return proposeArguments(operations[0]!, effect);
}

function ofRequest(request: string, operation: JsonObject = {}, effect: Effect = 'write') {
  const [method = '', path = ''] = request.split(' ');
  const api = {
    openapi: '3.1.0',
    servers: [{ url: 'https://api.example' }],
    paths: { [path]: { [method.toLowerCase()]: { responses: {}, ...operation } } },
    components: { schemas: { Note: { type: 'object', properties: { to: STRING, text: STRING, note: STRING } } } },
  };
  const { operations } = importOpenApi({ file: 'api.json', text: JSON.stringify(api), target: 'api' });
  return proposeArguments(operations[0]!, effect);
}

describe('the thing that an operation is about', () => {
  test.each<[string, string[]]>([
    ['GET /orders/{id}', ['order:{path.id}']],
    ['POST /orders/{orderId}/cancel', ['order:{path.orderId}']],
    ['DELETE /users/{user}/deploy-keys/{key}', ['deploy-key:{path.user}/{path.key}']],
    ['PATCH /repos/{owner}/{repo}/issues/{number}', ['issue:{path.owner}/{path.repo}/{path.number}']],
    ['GET /repos/{owner}/{repo}', ['repo:{path.owner}/{path.repo}']],
    ['GET /{version}/boxes/{box}', ['box:{path.box}']],
    ['GET /v2/{name}', ['name:{path.name}']],
    ['GET /orders', []],
  ])('%s', (request, resources) => {
    expect(ofRequest(request).resources).toEqual(resources);
  });

  test.each<[string, JsonObject, string[]]>([
    ['cancel_order', { id: STRING, reason: STRING }, ['order:{id}']],
    ['tag_things', { item_ids: { type: 'array', items: STRING } }, ['item:{item_ids[]}']],
    ['move', { source: STRING, destination: STRING }, ['file:{source|path}', 'file:{destination|path}']],
    ['fetch', { url: STRING }, ['url:{url|url}']],
    [
      'comment',
      { owner: STRING, repo: STRING, issue_number: { type: 'integer' } },
      ['repository:{owner}/{repo}', 'issue:{issue_number}'],
    ],
    ['send', { to: STRING, text: STRING }, []],
    ['odd', { 'a.b_id': STRING, 'c{}_id': STRING, nested_id: { type: 'object' } }, []],
  ])('%s %j', (name, required, resources) => {
    expect(ofTool(name, required).resources).toEqual(resources);
  });

  test('is not told by what may be left out, which would deny the calls that leave it out', () => {
    expect(ofTool('list_things', {}, { thing_id: STRING })).toMatchObject({ resources: [] });
  });

  test('is a template that a gateway reads', () => {
    const all = [ofRequest('PUT /a/{b}/c/{d-e}'), ofTool('x', { some_id: STRING, path: STRING, url: STRING })];
    for (const template of all.flatMap(({ resources }) => resources)) {
      expect(parseResourceTemplate(template).source).toBe(template);
    }
  });
});

describe('where the effect lands, and what is carried there', () => {
  test('by the names of arguments, and not of what a value has to tell', () => {
    const args = { to: STRING, subject: STRING, message: STRING, start: STRING, colour: STRING };
    expect(ofTool('send', args)).toMatchObject({ targets: ['to'], content: ['subject'] });
  });

  test('by the places of a request, with the members of a body that is referred to', () => {
    const body = { content: { 'application/json': { schema: { $ref: '#/components/schemas/Note' } } } };
    const query = [{ name: 'board', in: 'query', schema: STRING }];
    expect(ofRequest('POST /rooms/{room}/notes', { requestBody: body, parameters: query })).toEqual({
      resources: ['room:{path.room}'],
      targets: ['path.room', 'query.board', 'body.to'],
      content: ['body.text'],
    });
  });

  test('is not asked of a reading', () => {
    expect(ofTool('get', { user_id: STRING, text: STRING }, {}, 'read')).toEqual({
      resources: ['user:{user_id}'],
      targets: [],
      content: [],
    });
  });
});
