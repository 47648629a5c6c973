/** Words that stand in any text, and so say nothing of where a value comes from. */
const WORDS = new Set(
  `a about after again all also am an and any are as asc at auto b be because been before best but by can cc com could
  day dear default desc did do does done each either else email en end english eur false few file find first for found
  from full get give go good had has have he hello help her here hi high him his how http https i id if in info into is
  it its just key kind last let like list low made make many max may me medium message min more most much must my name
  new next no none normal not note now null of off ok on one only open or order other our out over please re read regards
  said same see send set she should so some sort subject such sure take text than thank thanks that the their them then
  there these they thing this those time title to today too two type uk under undefined up update us usd use used user
  value very via want was way we well were what when where which who will with within without would www yes yet you your`.split(
    /\s+/,
  ),
);

/** A value that is to be met anywhere: a truth value, one or two digits or letters, a word such as `yes`, `all` or `asc`. */
export function isCommon(word: string): boolean {
  return word.length <= 2 || WORDS.has(word);
}
