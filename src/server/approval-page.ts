import type { Context } from 'hono';

/**
 * Where an MCP client sends its person while a call is held. Whoever opens it has not shown who they are, so it says how an
 * approval is answered and nothing about this one, not even whether there is one.
 */
export function approvalPage(c: Context, id: string): Response {
  const named = /^apr_[A-Za-z0-9_-]{1,60}$/.test(id) ? id : 'ID';
  c.header('Cache-Control', 'no-store');
  c.header('Referrer-Policy', 'no-referrer');
  return c.html(`<!doctype html>
<html lang="en">
<title>An approval is needed</title>
<h1>An approval is needed</h1>
<p>An agent wants to do something that a person has to look at first. Who asked for it cannot approve it.</p>
<p>Whoever may approve it signs in and looks at exactly what is asked for:</p>
<pre>remit login
remit approvals show ${named}</pre>
<p>and then says <code>remit approve ${named}</code> or <code>remit refuse ${named}</code>. Once that has happened, the agent goes on.</p>
`);
}
