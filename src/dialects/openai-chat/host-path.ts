import type { Quirk } from '../../canon/target.ts';
import type { PathCall } from '../dialect.ts';

const CHAT: PathCall = { fields: {}, counts: false };
/** Marks a body that came on the route for gaps: its prompt is read as a turn. */
const GAP: PathCall = { fields: { fim: true }, counts: false };

export function hostPath(path: string, quirks: ReadonlySet<Quirk>): PathCall | undefined {
  if (path === '/chat/completions') return CHAT;
  return path === '/fim/completions' && quirks.has('fim-route') ? GAP : undefined;
}
