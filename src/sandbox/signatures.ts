import { createHash } from 'node:crypto';
import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { GenerationEvent } from '../canon/event.ts';
import type { GenerationRequest } from '../canon/request.ts';

/** A host that signs thoughts knows its own again: a changed one is refused, as at the real one. */
const signatureOf = (format: string, text: string): string =>
  createHash('sha256').update(`${format}\n${text}`).digest('base64');

/** The same answer with every thought signed in this format. */
export function signed(pieces: readonly GenerationEvent[], format: string): readonly GenerationEvent[] {
  let thought: string | undefined;
  return pieces.flatMap((piece): GenerationEvent[] => {
    if (piece.type === 'block-start' && piece.block.kind === 'reasoning') {
      thought = '';
      return [{ ...piece, block: { ...piece.block, form: 'text', format } }];
    }
    if (thought !== undefined && piece.type === 'block-delta' && piece.delta.kind === 'text')
      thought += piece.delta.text;
    if (thought === undefined || piece.type !== 'block-end') return [piece];
    const signature = signatureOf(format, thought);
    thought = undefined;
    return [{ type: 'block-delta', delta: { kind: 'signature', signature } }, piece];
  });
}

/** Why a thought that came back is not ours, or undefined. One that was never shown has an empty text and only its signature. */
export function forged({ messages }: GenerationRequest, format: string): GatewayError | undefined {
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'assistant') continue;
    for (const { format: own, text, signature } of message.reasoning?.details ?? []) {
      if (own !== format || signature === undefined || text === undefined || text === '') continue;
      if (signature !== signatureOf(format, text))
        return gatewayError(
          'invalid_request',
          `messages.${index}.content: Invalid \`signature\` in \`thinking\` block`,
        );
    }
  }
  return undefined;
}
