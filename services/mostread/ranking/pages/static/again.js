/* Where there was nothing to show: the page comes as soon as it can be had. */
async function look() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.ok) return location.reload();
  } catch {
    /* Not there yet. */
  }
  setTimeout(look, 3_000);
}
setTimeout(look, 3_000);
