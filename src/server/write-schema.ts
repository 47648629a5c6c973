import { OpenAPIHono } from '@hono/zod-openapi';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { configForm } from '../config/config-file.ts';
import { targetForm } from '../config/target-file.ts';
import { withUnclassified } from '../config/unclassified.ts';
import { profileForm } from '../task/profile/profile-file.ts';
import { authzenRoutes } from './routes/authzen.ts';
import { controlRoutes, openApiDocument, type AppParts } from './app.ts';
import { recordForm } from './record-form.ts';
import { oauthRoutes } from './routes/oauth.ts';
import type { ControlEnv } from './routes/route.ts';

/** The documents under schema/, by file name. Generated, checked in, and held up to date by a test. */
export function schemaDocuments(): Record<string, string> {
  const app = new OpenAPIHono<ControlEnv>();
  // Handlers are not called here, so the routes need none of their parts.
  oauthRoutes(app, {} as AppParts);
  authzenRoutes(app, {} as AppParts);
  controlRoutes(app, {} as AppParts);
  return {
    'openapi.json': pretty(openApiDocument(app)),
    'config.schema.json': pretty(z.toJSONSchema(configForm, { io: 'input', unrepresentable: 'any' })),
    'record.schema.json': pretty(z.toJSONSchema(recordForm)),
    'profile.schema.json': pretty(z.toJSONSchema(profileForm, { io: 'input', unrepresentable: 'any' })),
    'target.schema.json': pretty(withUnclassified(z.toJSONSchema(targetForm, { io: 'input', unrepresentable: 'any' }))),
  };
}

function pretty(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) {
  const folder = join(import.meta.dirname, '../../schema');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(schemaDocuments())) writeFileSync(join(folder, name), text);
}
