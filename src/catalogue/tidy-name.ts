/** Words of ids that are not written like other words. */
const SPELLINGS: Readonly<Record<string, string>> = {
  ai: 'AI',
  gpt: 'GPT',
  glm: 'GLM',
  it: 'IT',
  moe: 'MoE',
  ocr: 'OCR',
  tts: 'TTS',
  vl: 'VL',
  hf: 'HF',
  dpo: 'DPO',
  sft: 'SFT',
};

/** A readable name for a model or lab that nobody has named: `llama-3.1-70b-instruct:free` → `Llama 3.1 70B Instruct (free)`. */
export function tidyName(slug: string): string {
  const [name = slug, variant] = slug.split(':');
  const words = name.split(/[-_ ]+/).filter((word) => word !== '');
  return `${words.map(spelled).join(' ')}${variant ? ` (${variant})` : ''}`;
}

function spelled(word: string): string {
  const known = SPELLINGS[word.toLowerCase()];
  if (known !== undefined) return known;
  if (/^o\d$/.test(word)) return word;
  if (/^(a|e)?\d+(\.\d+)?[bkm]$/i.test(word) || /^\d+x\d+b$/i.test(word)) return word.toUpperCase().replace('X', 'x');
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
