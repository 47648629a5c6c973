import { createServer } from 'node:http';

/** The upstream of the HTTP benchmark: a small JSON answer, and as many bytes as are asked for. Prints its URL. */
const server = createServer((request, response) => {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  if (path === '/blob') return sendBytes(Number(new URLSearchParams(query).get('bytes')));
  const body = JSON.stringify({ id: path.slice(1), name: 'hello' });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);

  function sendBytes(bytes: number): void {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    let left = bytes;
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
    const more = (): void => {
      while (left > 0) {
        const next = left < chunk.length ? chunk.subarray(0, left) : chunk;
        left -= next.length;
        if (!response.write(next)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  }
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(`http://127.0.0.1:${address.port}`);
});
process.stdin.resume().on('end', () => process.exit(0));
