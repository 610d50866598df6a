import ipaddr from 'ipaddr.js';

/** Addresses that belong to everybody by their range, and are nevertheless answered by a cloud's own insides. */
const CLOUD_INSIDES: ReadonlySet<string> = new Set(['168.63.129.16']);
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];

/**
 * Whether an IP address is one of the public internet: nothing that is private, local, shared, multicast or reserved, and no IPv6 address
 * that stands for an IPv4 one.
 */
export function isPublicIp(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4'
    ? !CLOUD_INSIDES.has(address.toString())
    : (address as ipaddr.IPv6).match(GLOBAL_UNICAST);
}

/** A host as it stands in an address, without the brackets of IPv6. */
export const bareHost = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

const INSIDE = /(^|\.)(localhost|local|internal|localdomain|home\.arpa)\.?$/i;

/** Whether an address is known to lead inside before anybody has asked the name service. */
export function leadsInside(url: URL): boolean {
  const host = bareHost(url);
  return ipaddr.isValid(host) ? !isPublicIp(host) : INSIDE.test(host);
}
