/**
 * What a wire has no word for in an answer. The mirror law holds up to exactly these (laws.test.ts), and each wire's page in docs/dialects
 * names them in these words.
 */
export const LOSSES = {
  refusals: 'that a refusal is one: it comes as text',
  images: 'pictures',
  sound: 'sound, but for its words',
  citations: 'citations',
  'citation-places': 'the place of a citation within the text',
  logprobs: 'log probabilities',
  calls: 'calls',
  'thought-places': 'where a thought stood: all of them come as one, first',
  'thought-ids': 'ids of thoughts: the wire makes its own',
  makers: 'whose thoughts they are, and whether they are told or summed up',
  signatures: 'signatures of thoughts',
  'foreign-signatures': 'other makers’ signatures of thoughts',
  sealed: 'sealed thoughts',
  'foreign-sealed': 'other makers’ sealed thoughts',
  'sealed-names': 'under whose name a sealed thought travels: its maker’s stands inside',
  filters: 'that a filter ended it: it ends like any other',
  'token-kinds': 'kinds of tokens beyond prompt and answer',
  'token-kinds-but-cache': 'kinds of tokens beyond prompt, cache and answer',
  'thought-tokens': 'how many tokens were thoughts: they count as the answer’s',
  'native-finish': 'the host’s own word for the end: the wire has its own',
} as const satisfies Record<string, string>;

export type Loss = keyof typeof LOSSES;

/** Thoughts as mere text, as most hosts of the most common wire tell them. */
const PLAIN_THOUGHTS = ['signatures', 'sealed', 'makers', 'thought-places'] as const satisfies readonly Loss[];

interface Lost {
  readonly always: readonly Loss[];
  /** Beyond these, at hosts that tell thoughts as mere text. */
  readonly plainThoughts?: readonly Loss[];
}

export const LOST: Readonly<Record<string, Lost>> = {
  'openai-chat': { always: [], plainThoughts: PLAIN_THOUGHTS },
  'openai-completions': {
    always: ['refusals', 'images', 'sound', 'citations', 'logprobs', 'calls', ...PLAIN_THOUGHTS],
  },
  'openai-responses': { always: ['sound', 'logprobs', 'thought-ids', 'native-finish'] },
  'anthropic-messages': {
    always: [
      'refusals',
      'images',
      'sound',
      'citation-places',
      'logprobs',
      'foreign-signatures',
      'makers',
      'sealed-names',
      'native-finish',
    ],
  },
  'gemini-generate': {
    always: [
      'refusals',
      'sound',
      'citations',
      'logprobs',
      'foreign-signatures',
      'makers',
      'foreign-sealed',
      'native-finish',
    ],
  },
  'ollama-chat': {
    always: [
      'refusals',
      'images',
      'sound',
      'citations',
      'logprobs',
      'signatures',
      'makers',
      'sealed',
      'filters',
      'token-kinds',
      'native-finish',
    ],
  },
  'cohere-v2': {
    always: [
      'refusals',
      'images',
      'sound',
      'logprobs',
      'signatures',
      'makers',
      'sealed',
      'token-kinds-but-cache',
      'native-finish',
    ],
  },
  'bedrock-converse': {
    always: [
      'refusals',
      'images',
      'sound',
      'citations',
      'logprobs',
      'foreign-signatures',
      'makers',
      'foreign-sealed',
      'thought-tokens',
      'native-finish',
    ],
  },
};
