// Ask what may wait, after the pen's own questions: the answer, or null where there is none.
async function askLater(name, question) {
  try {
    const response = await postJson(name, question, { priority: 'low' })
    return response.ok ? await response.json() : null
  } catch {
    return null
  }
}
