import type { Dropped } from '../canon/dropped.ts';
import type { GenerationRequest } from '../canon/request.ts';

/** Small things that few wires have a word for. */
export interface Words {
  /** How closely a picture is looked at. */
  readonly detail?: boolean;
  /** That a tool's arguments keep to its schema. */
  readonly strict?: boolean;
  /** What the model thought in earlier turns. */
  readonly thoughts?: boolean;
}

/** Names what is not told, for wires without names of speakers; the name of a result's tool stands on its call. */
export function unsaid(request: GenerationRequest, words: Words, dropped: Dropped[]): void {
  const drop = (pointer: string): void => void dropped.push({ pointer, reason: 'unsupported' });
  for (const [index, message] of request.messages.entries()) {
    const { role, name, parts } = message;
    if (name !== undefined && role !== 'tool') drop(`/messages/${index}/name`);
    if (!words.thoughts && role === 'assistant' && message.reasoning) drop(`/messages/${index}/reasoning`);
    if (words.detail) continue;
    for (const [place, part] of parts.entries())
      if (part.kind === 'image' && part.detail !== undefined && part.detail !== 'auto')
        drop(`/messages/${index}/content/${place}/image_url/detail`);
  }
  if (!words.strict)
    for (const [index, { strict }] of request.tools.entries()) if (strict) drop(`/tools/${index}/function/strict`);
}
