import type { HttpPorts } from '../http/ports.ts';
import type { PageSource } from './compose.ts';

/** Pages are loaded when somebody first looks at one: a gateway that nobody looks at stays small. */
export function pageHandler(_source: PageSource): HttpPorts['page'] {
  return () => undefined;
}
