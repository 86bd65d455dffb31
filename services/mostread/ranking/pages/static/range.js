/* The last day of a range must not precede the first; the service would answer with an error page. */
for (const last of document.querySelectorAll("input[data-reversed]")) {
  const { form } = last;
  form.addEventListener("input", () => {
    const reversed = last.value && last.value < form.elements.from.value;
    last.setCustomValidity(reversed ? last.dataset.reversed : "");
  });
}
