/** Splits names and sentences into words, in a form that can be compared. */

/** Scripts without blanks between words: every two neighbouring characters count as a word. */
const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]+$/u;

/** Words too common to mean anything; every tool would match them. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  "a an the of to in on for from and or with by as at is are be it this that these those which what how i me my we you your can could do does please tool tools".split(
    " ",
  ),
);

/**
 * Lower-case words of a text: split where letters, digits and case change kind (`listOpen_issues2` is four words),
 * without grammatical endings. Stop words are left out unless there is no other word.
 */
export function wordsOf(text: string): readonly string[] {
  const all = split(text);
  const telling = all.filter((word) => !STOP_WORDS.has(word));
  return (telling.length > 0 ? telling : all).map(stem);
}

function split(text: string): readonly string[] {
  const spaced = text
    .normalize("NFKC")
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2")
    .replace(/(\p{L})(\p{N})/gu, "$1 $2")
    .toLowerCase();
  return (spaced.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).flatMap((word) =>
    UNSPACED.test(word) && word.length > 2 ? pairsOf(word) : [word],
  );
}

function pairsOf(word: string): readonly string[] {
  const characters = [...word];
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}

/** English only, and only safe rules: `queries` and `query`, `creating` and `create` are one word. */
function stem(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) return word;
  const singular = word
    .replace(/ies$/, "y")
    .replace(/(ss|sh|ch|x)es$/, "$1")
    .replace(/([^sui])s$/, "$1");
  const plain = singular.replace(/(?<=[aeiouy].*[^e])(?:ing|ed)$/, "");
  if (plain.length < 4) return plain;
  // `running` has become `runn`, `creating` has become `creat`.
  return plain === singular ? plain.replace(/e$/, "") : plain.replace(/([bdgmnprt])\1$/, "$1");
}
