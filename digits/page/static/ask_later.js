// Ask what may wait, after the pen's own questions: the answer, or null where there is none.
async function askLater(name, question) {
  const { ok, answer } = await postJson(name, question, { priority: 'low' })
  return ok ? answer : null
}
