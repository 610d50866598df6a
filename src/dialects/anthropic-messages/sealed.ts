import type { Block } from '../../canon/event.ts';
import type { ReasoningDetail } from '../../canon/request.ts';
import { FORMAT } from './id.ts';

/**
 * Encrypted thoughts of other makers have no place of their own on this wire: they travel as `redacted_thinking`, with their maker's
 * name before them, so that they find back to it and are never shown to another.
 */
const PREFIX = 'turnpike:';

export function sealed({ format, id, data }: Extract<Block, { kind: 'opaque' }>): string {
  return format === FORMAT ? data : `${PREFIX}${format}:${id ?? ''}:${data}`;
}

export function unsealed(text: string, index: number): ReasoningDetail {
  const kind = 'reasoning.encrypted';
  if (!text.startsWith(PREFIX)) return { kind, format: FORMAT, raw: { type: kind, data: text, format: FORMAT, index } };
  const [format = '', id = '', ...rest] = text.slice(PREFIX.length).split(':');
  const data = rest.join(':');
  return { kind, format, raw: { type: kind, data, format, index, ...(id !== '' && { id }) } };
}
