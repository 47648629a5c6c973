import { loadPackageDefinition, type GrpcObject, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { join } from 'node:path';

/** The Workload API's service, loaded from the published interface. The package is the empty one, as specified. */
export function workloadService(): ServiceClientConstructor {
  const definition = loadSync(join(import.meta.dirname, 'workload.proto'), {
    keepCase: true,
    defaults: true,
    bytes: Buffer,
  });
  const loaded: GrpcObject = loadPackageDefinition(definition);
  return loaded['SpiffeWorkloadAPI'] as ServiceClientConstructor;
}

/** SPIFFE Workload Endpoint, section 3: without this header a server answers no request. */
export const SECURITY_HEADER = 'workload.spiffe.io';

export type JwtSvidMessage = { spiffe_id: string; svid: string; hint: string };
export type X509SvidMessage = {
  spiffe_id: string;
  x509_svid: Buffer;
  x509_svid_key: Buffer;
  bundle: Buffer;
  hint: string;
};
