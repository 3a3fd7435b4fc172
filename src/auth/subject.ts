/**
 * Scripts that may stand together in one word, as "highly restrictive" in Unicode's security mechanisms has it
 * (https://www.unicode.org/reports/tr39/#Restriction_Level_Detection). A script that is not here stands alone.
 */
const TOGETHER = [
  ["Latin", "Han", "Hiragana", "Katakana"],
  ["Latin", "Han", "Bopomofo"],
  ["Latin", "Han", "Hangul"],
];

/** The scripts that Unicode recommends for names beside those above. */
const ALONE = [
  ...["Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Gujarati"],
  ...["Gurmukhi", "Hebrew", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil"],
  ...["Telugu", "Thaana", "Thai", "Tibetan"],
];

const IN_ONE_WORD = [...TOGETHER, ...ALONE.map((script) => [script])].map((scripts) => madeOf(scripts));
const OF_NONE_OF_THEM = new RegExp(
  `^[^${[...new Set(TOGETHER.flat()), ...ALONE].map((script) => `\\p{scx=${script}}`).join("")}]*$`,
  "u",
);

/** Letters that look like Latin ones: of Cyrillic, Greek and Armenian those alone, of the others nearly all. */
const LOOKS_LATIN =
  /^[асеорхуіјѕһԁԛԝӏүАВЕЅІЈКМНОРСТУХҮԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳαικνορυϲօոսհցզքՕՏԼ\p{sc=Cherokee}\p{sc=Coptic}\p{sc=Lisu}]+$/u;
const LATIN = /\p{sc=Latin}/u;
const NOT_FOREIGN_LETTER = /\P{L}|\p{sc=Latin}/gu;

/**
 * Whether people could take a subject for another one. It mixes scripts within a word (`аlice` with a Cyrillic а), or has,
 * beside Latin letters, a part whose letters of another script all look Latin (`сосо@example.com`). Words that are plainly
 * of another script, such as `иван@example.com`, are fine.
 */
export function isMisleading(subject: string): boolean {
  const text = subject.normalize("NFKC");
  if (text.split(/[^\p{L}\p{M}\p{N}]+/u).some(isMixed)) return true;
  // Of addresses and of names in certificates.
  const parts = text.split(/[@,=/+;:|\\]/);
  return LATIN.test(text) && parts.some((part) => LOOKS_LATIN.test(part.replace(NOT_FOREIGN_LETTER, "")));
}

function isMixed(word: string): boolean {
  return !IN_ONE_WORD.some((scripts) => scripts.test(word)) && !OF_NONE_OF_THEM.test(word);
}

function madeOf(scripts: readonly string[]): RegExp {
  const classes = [...scripts, "Common", "Inherited"].map((script) => `\\p{scx=${script}}`);
  return new RegExp(`^[${classes.join("")}]*$`, "u");
}

/**
 * Returns the same text for all spellings of one subject: NFKC, case folded, trimmed, each run of blanks as one. Subjects
 * are compared by it where two people have to be two, never where it would give anybody a right.
 */
export function personOf(subject: string): string {
  // Capitals first: toLowerCase alone would keep ß apart from ss, and two forms of the sigma apart.
  const folded = subject.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
  return folded.replace(/\s+/gu, " ").trim();
}

interface Named {
  readonly subject: string;
}

/** Whether two callers may be one person, whatever issuers and clients they come by. */
export function isSamePerson(one: Named, other: Named): boolean {
  return personOf(one.subject) === personOf(other.subject);
}
