import type { IncomingMessage, Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import type { HttpGateway } from '../gateway/http/gateway.ts';
import { peerOfSocket } from '../server/peer-of.ts';

/**
 * Has WebSockets of targets served by the gateway. A request that wants to be upgraded to anything else, or elsewhere, is
 * served as if it did not say so (RFC 9110, section 7.8): some clients ask for HTTP/2 that way at every server.
 */
export function takeUpgrades(server: Server | TlsServer, gateway: Pick<HttpGateway, 'upgrades' | 'upgrade'>): void {
  // An option of `createServer` since Node 24.9; before, every such request comes to the listener.
  Object.assign(server, { shouldUpgradeCallback: (request: IncomingMessage) => gateway.upgrades(request) });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (socket instanceof Socket && gateway.upgrades(request)) {
      gateway.upgrade(request, socket, head, peerOfSocket(socket));
    } else {
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    }
  });
}
