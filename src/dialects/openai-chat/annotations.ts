import type { Annotation } from '../../canon/event.ts';
import { asArray, asNumber, asObject, asString, asText, type JsonObject } from '../read.ts';

/** The two kinds of annotation that this wire has. */
export function readAnnotation(wire: JsonObject | undefined): Annotation | undefined {
  const citation = asObject(wire?.url_citation);
  const url = asText(citation?.url);
  if (citation && url !== undefined) {
    const content = asString(citation.content);
    return {
      kind: 'url',
      url,
      title: asString(citation.title) ?? '',
      start: asNumber(citation.start_index) ?? 0,
      end: asNumber(citation.end_index) ?? 0,
      ...(content !== undefined && { content }),
    };
  }
  const file = asObject(wire?.file);
  const hash = asText(file?.hash);
  const name = asText(file?.name);
  if (file && hash !== undefined && name !== undefined)
    return { kind: 'file', hash, name, content: asArray(file.content) ?? [] };
  return undefined;
}
