// Works without listening, once in the whole cluster.
setInterval(() => console.log(`worked at ${new Date().toISOString()}`), 1_000);
