/* Reload the page when the service is available again. */
async function retry() {
  try {
    const response = await fetch(location.href, { cache: "no-store" });
    if (response.ok) return location.reload();
  } catch {
    /* Still unavailable. */
  }
  setTimeout(retry, 3_000);
}
setTimeout(retry, 3_000);
