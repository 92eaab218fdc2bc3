/** One piece of work at a time for each thing; the next begins when the one before has ended, however it ended. */
export class Turns<Thing extends object> {
  private readonly last = new WeakMap<Thing, Promise<unknown>>();

  take<Result>(thing: Thing, work: () => Promise<Result>): Promise<Result> {
    const before = this.last.get(thing) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.last.set(thing, mine);
    return mine;
  }
}
