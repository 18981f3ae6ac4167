/** Variables that others put into our environment because of our name. */

export const SERVICE_LINK_PORT = /^(tcp|udp|sctp):\/\//;
export const LINKED_PORT =
  'AUTOHEAL_PORT was put there by Kubernetes for the service "autoheal" and is not used: set enableServiceLinks: false in the pod';

/**
 * Kubernetes, and Docker's old links, put variables of a service named `autoheal` into every container:
 * AUTOHEAL_SERVICE_HOST, AUTOHEAL_PORT_9009_TCP_ADDR and, worst, AUTOHEAL_PORT=tcp://10.0.0.1:9009.
 */
export function isServiceLink(name: string, value: string): boolean {
  if (name.endsWith('_PORT') && SERVICE_LINK_PORT.test(value)) return true;
  return /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?$/.test(name);
}
