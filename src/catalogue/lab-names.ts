import { words } from './normal-form.ts';

interface LabName {
  readonly id: string;
  /** Other spellings of its organisation in ids. */
  readonly synonyms: readonly string[];
  /** Beginnings of its models' names → the word for how their text is counted. */
  readonly stems: Readonly<Record<string, string>>;
}

interface Stem {
  readonly lab: string;
  readonly words: readonly string[];
  readonly tokenizer: string;
}

/** Which lab a word or a model's bare name points to. */
export class LabNames {
  readonly #ids = new Map<string, string>();
  readonly #names: readonly string[];
  readonly #stems: readonly Stem[];

  constructor(labs: readonly LabName[]) {
    for (const lab of labs) for (const word of [lab.id, ...lab.synonyms]) this.#ids.set(word, lab.id);
    this.#names = [...this.#ids.keys()].toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1));
    this.#stems = labs
      .flatMap((lab) =>
        Object.entries(lab.stems).map(([stem, tokenizer]) => ({ lab: lab.id, words: words(stem), tokenizer })),
      )
      .sort((a, b) => b.words.length - a.words.length || (a.words.join() < b.words.join() ? -1 : 1));
  }

  /** The lab's id, where the word is one of its names. */
  named(word: string): string | undefined {
    return this.#ids.get(word);
  }

  /** `meta-llama-3` → Meta and `llama-3`: what a name says behind each lab's name that it begins with, longest name first. */
  behindNames(slug: string): readonly { readonly lab: string; readonly rest: string }[] {
    return this.#names.flatMap((name) => {
      const lab = slug.startsWith(`${name}-`) ? this.#ids.get(name) : undefined;
      return lab === undefined ? [] : [{ lab, rest: slug.slice(name.length + 1) }];
    });
  }

  /** The lab whose models are called like this. */
  ofModel(slug: string): string | undefined {
    const tokens = words(slug);
    return this.#stems.find((stem) => beginsAt(tokens, stem.words, 0))?.lab;
  }

  /** OpenRouter's word for a tokenizer: by the lab's own names, else by the name of the model it was made from, else `Other`. */
  tokenizer(lab: string, slug: string): string {
    const tokens = words(slug);
    const own = this.#stems.find((stem) => stem.lab === lab && beginsAt(tokens, stem.words, 0));
    if (own && own.tokenizer !== 'Other') return own.tokenizer;
    const base = this.#stems.find(
      (stem) => stem.tokenizer !== 'Other' && tokens.some((_, at) => beginsAt(tokens, stem.words, at)),
    );
    return base?.tokenizer ?? 'Other';
  }
}

/** `llama 3` begins `llama 3.1 8b`: the last word may stop at a point. */
function beginsAt(tokens: readonly string[], stem: readonly string[], at: number): boolean {
  return stem.every((word, index) => {
    const token = tokens[at + index];
    return token === word || (index === stem.length - 1 && token !== undefined && token.startsWith(`${word}.`));
  });
}
