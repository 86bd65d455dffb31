/* The fields of a decision, and the same in words. */
const FIELDS = ["hidden", "pinned", "pinned_in", "embargo_until", "expires_at", "approved", "until"];
const ENDED = ["pinned", "pinned_in", "approved"];

/* The fields of a decision that are in force, ready to be sent: times in milliseconds. `until` ends
   what is hidden, and a pin or an approval only in a decision that does not hide. */
function inForce(item) {
  const isOver = item?.until && Date.parse(item.until) <= Date.now();
  const ended = isOver ? ["hidden", "until", ...(item.hidden ? [] : ENDED)] : [];
  return Object.fromEntries(
    FIELDS.filter((name) => item && item[name] !== null && !ended.includes(name))
      .map((name) => [name, typeof item[name] === "string" ? Date.parse(item[name]) : item[name]]),
  );
}

/* Whether two pins may hold in the same list. */
const meet = (one = {}, other = {}) => ["sections", "languages", "windows"]
  .every((kind) => !one?.[kind] || !other?.[kind] || one[kind].some((name) => other[kind].includes(name)));

const listName = (kind, name) => (kind === "windows" ? text(`window.${name}`) : name || text(`all_${kind}`));

/* The lists that a pin is limited to, as text. */
const listNames = (lists) => Object.entries(lists ?? {}).map(([kind, names]) => names.map((name) => listName(kind, name)).join(", ")).join("; ");

/* A decision in words, as nodes. */
function effects(fields) {
  const said = [];
  if (fields.hidden !== undefined) said.push(sentence(fields.hidden ? "decision.hidden" : "decision.listed"));
  const until = fields.until ? [sentence("decision.until", { time: shownTime(fields.until) })] : [];
  if (fields.hidden) said.push(...until);
  if (fields.pinned !== undefined) said.push(sentence(fields.pinned ? "decision.pinned" : "decision.unpinned", { rank: fields.pinned }));
  if (fields.pinned_in) said.push(sentence("decision.pinned_in", { lists: listNames(fields.pinned_in) }));
  if (!fields.hidden) said.push(...until);
  if (fields.embargo_until > Date.now()) said.push(sentence("decision.embargo", { time: shownTime(fields.embargo_until) }));
  if (fields.expires_at) said.push(sentence(fields.expires_at > Date.now() ? "decision.expires" : "decision.expired", { time: shownTime(fields.expires_at) }));
  if (fields.approved) said.push(sentence("decision.approved"));
  if (!said.length) said.push(sentence("decision.none"));
  return said.flatMap((nodes, at) => (at ? [", ", ...nodes] : nodes));
}

/* Who decided what, when and why. */
function account(item) {
  const by = sentence("decided_by", { name: item.by ?? text("log_anonymous"), time: shownTime(Date.parse(item.decided_at)) });
  return [...effects(inForce(item)), ". ", ...by, ...(item.reason ? [" ", ...sentence("quoted", { reason: item.reason })] : [])];
}
