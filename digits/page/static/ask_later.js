// Send a request that may wait, at lower priority than the pen's; null if it fails.
async function askLater(name, question) {
  const { ok, answer } = await postJson(name, question, { priority: 'low' })
  return ok ? answer : null
}
