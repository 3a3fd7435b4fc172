import { expect } from "vitest";
import type { RateBudget, RateRequest, RateSlot, SlotOutcome } from "../../src/cam/index.ts";

interface RecordedSlot {
  readonly request: RateRequest;
  sent: boolean;
  readonly outcomes: SlotOutcome[];
}

/** A budget without waiting that records the outcome of each slot. */
export class RecordingBudget implements RateBudget {
  readonly slots: RecordedSlot[] = [];

  take(request: RateRequest): Promise<RateSlot> {
    const slot: RecordedSlot = { request, sent: false, outcomes: [] };
    this.slots.push(slot);
    return Promise.resolve({
      waitedMs: 0,
      sent: () => {
        slot.sent = true;
        return true;
      },
      settle: (outcome) => void slot.outcomes.push(outcome),
    });
  }

  get outcomes(): readonly SlotOutcome[] {
    return this.slots.flatMap((slot) => slot.outcomes);
  }

  /** What every client owes its budget: each slot settled once, and UNUSED exactly where nothing was sent. */
  expectAllSettledOnce(): void {
    for (const { sent, outcomes } of this.slots) {
      expect(outcomes).toHaveLength(1);
      expect(outcomes[0] === "UNUSED").toBe(!sent);
    }
  }
}
