------------------------------- MODULE Einmal -------------------------------
\* The booking protocol: one wish, and every way in which it can go wrong.
\*
\* Two workers (replicas, or an attempt and recovery), one ledger, one remote that knows no client's idempotency.
\* Nothing here knows the time: a deadline, a lease or a window that the real gateway waits for may, in the model,
\* be over at any moment. So any worker may take up any row at any time (every lease may be stolen), a sender may
\* sleep between its deadline's check and its write, and a "no" may be given while the request is still on its way.
\* What holds here holds whatever the clocks do. `Window` and `Deadline` put timing back where the price of it is
\* to be known. Broken variants leave out one mechanism each: `LeftOut`. See README.md and variants.toml.
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
    Workers,      \* model values, alike but for Steady
    Steady,       \* the one worker that liveness may count on; the other may sleep for good, anywhere
    LeftOut,      \* mechanisms left out: {} is the gateway as it is meant
    World,        \* what the outside does beyond losing, delaying and lagging
    Window,       \* "any": a "no" may come at any time. "covers": only when nothing is under way any more
    Deadline,     \* TRUE: nobody writes to the wire for a row that is no longer his (R4 as a fact of timing)
    Generations, Epochs, Crashes, Unknowns    \* how much of each

Mechanisms == {
    "ownership",        \* a 2xx is ours only with our operation id
    "intent first",     \* the row is committed before the wire
    "commit known",     \* an unknown COMMIT is read again before anything is sent
    "joins",            \* the same wish joins what is under way
    "lost is doubt",    \* a lost answer is a doubt, not "not processed"
    "sent is doubt",    \* recovery of `sent` looks; it never sends
    "absence ends",     \* an empty look ends in a "no" at most, never in another send
    "conflict is looked at", \* a conflict may be ourselves
    "arming fence",     \* arming is guarded: WHERE state = 'intent' AND epoch = mine
    "epoch",            \* every guard compares the epoch, not the state alone
    "cas",              \* terminal writes are guarded (R3)
    "sweeper",          \* tombstones are watched; what appears is taken back
    "verified cancel",  \* the id is read again before a cancel
    "commit first",     \* what is spoken is committed before it is spoken (R5)
    "recovery",         \* unresolved rows are taken up again
    "escalation",       \* what cannot be looked up goes to a person
    "empty is not gone",     \* an empty look does not make a booking `lost`
    "empty is not undone",   \* nor does it end a compensation
    "ruled as it stands" }   \* a ruling "booked" needs an accepted booking, not only a live one

Worlds == {
    "foreign",          \* a stranger may have the slot, and is given to us as a 2xx
    "conflict is us",   \* the remote commits and answers "already has booking"
    "pending",          \* bookings wait for the host
    "people",           \* somebody cancels, moves or deletes in the calendar; strangers come and go
    "mistakes",         \* a person rules "not booked" of what is booked
    "blind" }           \* no look ever sees anything

ASSUME LeftOut \subseteq Mechanisms /\ World \subseteq Worlds /\ Window \in {"any", "covers"} /\ Deadline \in BOOLEAN

Has(mechanism) == mechanism \notin LeftOut

\* ---- The states and the only moves between them ------------------------------------------------------------
\* BEGIN MOVES (tests/model/test_model.py: equal to einmal.domain.intent.MOVES)
Moves == {
    <<"intent", "armed", "sent">>,
    <<"intent", "shed", "rejected">>,
    <<"sent", "not_processed", "intent">>,
    <<"sent", "landed_accepted", "confirmed">>,
    <<"sent", "landed_pending", "pending">>,
    <<"sent", "refused", "rejected">>,
    <<"sent", "doubted", "doubt">>,
    <<"doubt", "found_accepted", "confirmed">>,
    <<"doubt", "found_pending", "pending">>,
    <<"doubt", "not_ours_and_absent", "rejected">>,
    <<"doubt", "settled_absent", "rejected">>,
    <<"doubt", "escalated", "escalated">>,
    <<"escalated", "ruled_booked", "confirmed">>,
    <<"escalated", "ruled_not_booked", "rejected">>,
    <<"rejected", "surfaced", "compensating">>,
    <<"compensating", "compensated", "compensated">>,
    <<"pending", "host_accepted", "confirmed">>,
    <<"pending", "host_declined", "declined">>,
    <<"pending", "cancelled", "cancelled">>,
    <<"pending", "moved", "moved">>,
    <<"pending", "vanished", "lost">>,
    <<"confirmed", "cancelled", "cancelled">>,
    <<"confirmed", "moved", "moved">>,
    <<"confirmed", "vanished", "lost">>
}
\* END MOVES

To == [step \in {<<move[1], move[2]>> : move \in Moves} |->
        (CHOOSE move \in Moves : move[1] = step[1] /\ move[2] = step[2])[3]]
Arrows == {<<move[1], move[3]>> : move \in Moves} \cup {<<"none", "intent">>, <<"none", "sent">>}

Unresolved == {"intent", "sent", "doubt", "escalated"}
Booked     == {"confirmed", "pending"}
Refused    == {"rejected", "compensating", "compensated", "declined"}
Ended      == {"cancelled", "moved", "lost"}

\* ---- The state of the world --------------------------------------------------------------------------------
Gens == 1..Generations

VARIABLES
    row,       \* the ledger, by generation: state, epoch, notOurs, stranger (it holds a booking that is not ours)
    at,        \* where each worker is: pc, and the generation and epoch it read
    net,       \* how many requests of an operation id are on the wire
    posts,     \* how many of them the remote has processed
    prim,      \* the booking with our operation id, in the primary
    repl,      \* the same, in a replica: some earlier truth
    foreign,   \* a stranger's booking of the slot: none, live, left, undone (by us!)
    said,      \* what the caller has heard, by generation
    crashes, unknowns    \* used up

vars == <<row, at, net, posts, prim, repl, foreign, said, crashes, unknowns>>
remote == <<net, posts, prim, repl, foreign>>

Idle  == [pc |-> "idle", gen |-> 0, epoch |-> 0]
Fresh == [state |-> "none", epoch |-> 1, notOurs |-> FALSE, stranger |-> FALSE]
Live(booking) == booking \in {"pending", "accepted", "moved", "twice"}
Born  == IF "pending" \in World THEN "pending" ELSE "accepted"

Init ==
    /\ row = [g \in Gens |-> Fresh]
    /\ at = [w \in Workers |-> Idle]
    /\ net = [g \in Gens |-> 0]
    /\ posts = [g \in Gens |-> 0]
    /\ prim = [g \in Gens |-> "none"]
    /\ repl = [g \in Gens |-> "none"]
    /\ foreign \in IF "foreign" \in World THEN {"none", "live"} ELSE {"none"}
    /\ said = [g \in Gens |-> {}]
    /\ crashes = 0
    /\ unknowns = 0

Goes(w, place) == at' = [at EXCEPT ![w] = IF place = "idle" THEN Idle ELSE [@ EXCEPT !.pc = place]]
Is(w, place) == at[w].pc = place

\* ---- The ledger: one guarded UPDATE per arrow --------------------------------------------------------------
Guarded(w, from, to) ==
    LET here == row[at[w].gen] IN
    \/ here.state = from /\ (Has("epoch") => here.epoch = at[w].epoch)
    \/ ~Has("arming fence") /\ from = "intent" /\ to = "sent"
    \/ ~Has("cas") /\ to \in Booked \cup {"rejected"} /\ here.state # "none"
    \/ ~Has("intent first") /\ here.state = "none"

\* Zero rows: whoever was first has decided, and this worker promises nothing. An unknown COMMIT that was carried
\* out leaves the worker where it was, to write again; one that was not is a pause before the write.
Update(w, from, event, then, note) ==
    LET g == at[w].gen
        to == To[<<from, event>>]
    IN
    IF Guarded(w, from, to)
    THEN /\ row' = [row EXCEPT ![g] = [
                state |-> to,
                epoch |-> IF event = "not_processed" THEN @.epoch + 1 ELSE @.epoch,
                notOurs |-> @.notOurs \/ note = "not ours",
                stranger |-> note = "stranger"]]
         /\ \/ Goes(w, then) /\ UNCHANGED unknowns
            \/ unknowns < Unknowns /\ unknowns' = unknowns + 1 /\ UNCHANGED at
         /\ UNCHANGED <<remote, said, crashes>>
    ELSE Goes(w, "idle") /\ UNCHANGED <<row, remote, said, crashes, unknowns>>

Move(w, place, from, event, then) == Is(w, place) /\ Update(w, from, event, then, "")

\* ---- A wish comes in ---------------------------------------------------------------------------------------
Newest == Cardinality({g \in Gens : row[g].state # "none"})

Admit(w) ==
    LET g == Newest + 1 IN
    /\ Is(w, "idle")
    /\ g \in Gens
    /\ g > 1 /\ Has("joins") => row[g - 1].state \in Refused \cup Ended
    /\ UNCHANGED <<remote, said, crashes>>
    /\ \/ /\ Has("intent first")
          /\ \/ /\ row' = [row EXCEPT ![g].state = "sent"]
                /\ \/ at' = [at EXCEPT ![w] = [pc |-> "armed", gen |-> g, epoch |-> 1]] /\ UNCHANGED unknowns
                   \/ /\ unknowns < Unknowns /\ unknowns' = unknowns + 1
                      /\ at' = [at EXCEPT ![w] = [pc |-> "inserted", gen |-> g, epoch |-> 1]]
             \/ /\ row' = [row EXCEPT ![g].state = "intent"]    \* it may not be sent just now
                /\ at' = [at EXCEPT ![w] = [pc |-> "arming", gen |-> g, epoch |-> 1]] /\ UNCHANGED unknowns
       \/ /\ ~Has("intent first") \/ (~Has("commit known") /\ unknowns < Unknowns)
          /\ unknowns' = IF Has("intent first") THEN unknowns + 1 ELSE unknowns
          /\ at' = [at EXCEPT ![w] = [pc |-> "armed", gen |-> g, epoch |-> 1]]
          /\ UNCHANGED row

\* The COMMIT of the row was unknown: only a row that is there, as we wrote it, is sent.
ReadAgain(w) ==
    LET here == row[at[w].gen] IN
    /\ Is(w, "inserted")
    /\ Goes(w, IF here.state = "sent" /\ here.epoch = 1 THEN "armed" ELSE "idle")
    /\ UNCHANGED <<row, remote, said, crashes, unknowns>>

\* ---- The attempt: one POST, its answer judged --------------------------------------------------------------
Arm(w) == at[w].epoch <= Epochs /\ Move(w, "arming", "intent", "armed", "armed")
Shed(w) == Move(w, "arming", "intent", "shed", "idle")

StillHis(w) == row[at[w].gen].state = "sent" /\ row[at[w].gen].epoch = at[w].epoch

Send(w) ==
    /\ Is(w, "armed")
    /\ Deadline => StillHis(w)
    /\ net' = [net EXCEPT ![at[w].gen] = @ + 1]
    /\ Goes(w, "waiting")
    /\ UNCHANGED <<row, posts, prim, repl, foreign, said, crashes, unknowns>>

\* Before the first byte: no connection, or the deadline has passed.
NotSent(w) == Is(w, "armed") /\ Goes(w, "unsent") /\ UNCHANGED <<row, remote, said, crashes, unknowns>>

TimeOut(w) ==
    /\ Is(w, "waiting")
    /\ Goes(w, IF Has("lost is doubt") THEN "lost" ELSE "unsent")
    /\ UNCHANGED <<row, remote, said, crashes, unknowns>>

Judge(w) ==
    \/ Move(w, "unsent", "sent", "not_processed", "idle")
    \/ Move(w, "mine", "sent", IF Born = "pending" THEN "landed_pending" ELSE "landed_accepted", "idle")
    \/ Move(w, "refused", "sent", "refused", "idle")
    \/ Move(w, "lost", "sent", "doubted", "looking")
    \/ /\ Is(w, "conflict")
       /\ IF Has("conflict is looked at")
          THEN Update(w, "sent", "doubted", "looking", "not ours")
          ELSE Update(w, "sent", "refused", "idle", "")
    \/ /\ Is(w, "stranger")
       /\ IF Has("ownership")
          THEN Update(w, "sent", "doubted", "looking", "not ours")
          ELSE Update(w, "sent", "landed_accepted", "idle", "stranger")

\* ---- Recovery: whatever is due, by whoever is free ---------------------------------------------------------
Seen(g) == {prim[g], repl[g]}    \* a look may be answered by the primary or by any replica

Due(g) ==
    \/ Has("recovery") /\ row[g].state \in {"intent", "sent", "doubt"}
    \/ Has("sweeper") /\ row[g].state = "rejected" /\ (\E booking \in Seen(g) : Live(booking))
    \/ Has("sweeper") /\ row[g].state = "compensating"

Take(w, g) ==
    /\ Is(w, "idle") /\ Due(g)
    /\ at' = [at EXCEPT ![w] = [gen |-> g, epoch |-> row[g].epoch,
           pc |-> CASE row[g].state = "intent"       -> "arming"
                    [] row[g].state = "sent"         -> IF Has("sent is doubt") THEN "overdue" ELSE "armed"
                    [] row[g].state = "doubt"        -> "looking"
                    [] row[g].state = "rejected"     -> "surfaced"
                    [] row[g].state = "compensating" -> "undoing"]]
    /\ UNCHANGED <<row, remote, said, crashes, unknowns>>

WindowOver(g) == Window = "any" \/ (net[g] = 0 /\ repl[g] = prim[g])

\* One look by the operation id. Ended, moved, unreadable or too early: nothing follows.
Sees(w) ==
    /\ Is(w, "looking") /\ "blind" \notin World
    /\ \E booking \in Seen(at[w].gen) :
          \/ booking = "accepted" /\ Goes(w, "found accepted")
          \/ booking = "pending" /\ Goes(w, "found pending")
          \/ /\ booking \in {"none", "gone"}
             /\ row[at[w].gen].notOurs \/ WindowOver(at[w].gen)
             /\ Goes(w, "absent")
    /\ UNCHANGED <<row, remote, said, crashes, unknowns>>

SeesNothing(w) == Is(w, "looking") /\ Goes(w, "idle") /\ UNCHANGED <<row, remote, said, crashes, unknowns>>

GivesUp(w) ==
    /\ Is(w, "looking") /\ Has("escalation") /\ WindowOver(at[w].gen) /\ Goes(w, "giving up")
    /\ UNCHANGED <<row, remote, said, crashes, unknowns>>

Settle(w) ==
    \/ Move(w, "overdue", "sent", "doubted", "looking")
    \/ Move(w, "found accepted", "doubt", "found_accepted", "idle")
    \/ Move(w, "found pending", "doubt", "found_pending", "idle")
    \/ Move(w, "giving up", "doubt", "escalated", "idle")
    \/ /\ Is(w, "absent") /\ Has("absence ends")
       /\ Update(w, "doubt", IF row[at[w].gen].notOurs THEN "not_ours_and_absent" ELSE "settled_absent", "idle", "")
    \/ /\ Is(w, "absent") /\ ~Has("absence ends")    \* sent again, by CAS and all
       /\ IF row[at[w].gen].state = "doubt" THEN row' = [row EXCEPT ![at[w].gen].state = "sent"] /\ Goes(w, "armed")
                                            ELSE UNCHANGED row /\ Goes(w, "idle")
       /\ UNCHANGED <<remote, said, crashes, unknowns>>

\* A late arrival is taken back: read again, the id verified, cancelled, until it is told or seen to be over.
Undo(w) ==
    LET g == at[w].gen IN
    /\ Is(w, "undoing")
    /\ \E booking \in Seen(g) :
          \/ /\ Live(booking)
             /\ \/ prim' = [prim EXCEPT ![g] = IF Live(@) THEN "undone" ELSE @] /\ UNCHANGED foreign
                \/ ~Has("verified cancel") /\ foreign = "live" /\ foreign' = "undone" /\ UNCHANGED prim
             /\ \/ Goes(w, "undone")    \* "cancelled", or "already cancelled"
                \/ Goes(w, "idle")      \* the answer of the cancel was lost, or is not believed: read again
          \/ /\ \/ booking \in {"undone", "cancelled", "declined", "gone"}
                \/ booking = "none" /\ ~Has("empty is not undone")
             /\ Goes(w, "undone") /\ UNCHANGED <<prim, foreign>>
          \/ Goes(w, "idle") /\ UNCHANGED <<prim, foreign>>    \* nothing seen
    /\ UNCHANGED <<row, net, posts, repl, said, crashes, unknowns>>

Compensate(w) ==
    \/ Move(w, "surfaced", "rejected", "surfaced", "undoing")
    \/ Move(w, "undone", "compensating", "compensated", "idle")

\* What happens to a booking is followed, from a webhook or a look: one guarded update.
News(state, booking) ==
    CASE state = "pending" /\ booking = "accepted"     -> "host_accepted"
      [] state = "pending" /\ booking = "declined"     -> "host_declined"
      [] state \in Booked /\ booking = "cancelled"     -> "cancelled"
      [] state \in Booked /\ booking = "moved"         -> "moved"
      [] state \in Booked /\ booking = "gone"          -> "vanished"
      [] state \in Booked /\ booking = "none" /\ ~Has("empty is not gone") -> "vanished"
      [] OTHER -> "none"

Follow(g) ==
    /\ \E booking \in Seen(g) : LET event == News(row[g].state, booking) IN
          event # "none" /\ row' = [row EXCEPT ![g].state = To[<<row[g].state, event>>]]
    /\ UNCHANGED <<at, remote, said, crashes, unknowns>>

\* A person rules, with the calendar before them.
Rule(g) ==
    /\ row[g].state = "escalated"
    /\ \/ /\ prim[g] \in {"accepted", "moved"} \/ (~Has("ruled as it stands") /\ Live(prim[g]))
          /\ row' = [row EXCEPT ![g].state = To[<<"escalated", "ruled_booked">>]]
       \/ /\ "mistakes" \in World \/ ~Live(prim[g])
          /\ row' = [row EXCEPT ![g].state = To[<<"escalated", "ruled_not_booked">>]]
    /\ UNCHANGED <<at, remote, said, crashes, unknowns>>

\* ---- What is said ------------------------------------------------------------------------------------------
\* The caller's own reply, a repeat, another channel: the ledger's word, at any time after the commit.
Hear(g) ==
    /\ \/ row[g].state = "confirmed" /\ said' = [said EXCEPT ![g] = @ \cup {"booked"}]
       \/ row[g].state = "pending" /\ said' = [said EXCEPT ![g] = @ \cup {"requested"}]
       \/ row[g].state \in Refused /\ said' = [said EXCEPT ![g] = @ \cup {"no"}]
    /\ UNCHANGED <<row, at, remote, crashes, unknowns>>

Blurt(w) ==
    /\ ~Has("commit first") /\ Is(w, "mine")
    /\ said' = [said EXCEPT ![at[w].gen] = @ \cup {"booked"}]
    /\ UNCHANGED <<row, at, remote, crashes, unknowns>>

\* ---- The outside -------------------------------------------------------------------------------------------
\* An answer reaches the one who waits for it.
Answer(g, word) == \E w \in Workers : Is(w, "waiting") /\ at[w].gen = g /\ Goes(w, word)

Occupied(g) == foreign = "live" \/ (\E other \in Gens \ {g} : Live(prim[other]))

Process(g) ==
    /\ net[g] > 0
    /\ net' = [net EXCEPT ![g] = @ - 1]
    /\ \/ /\ prim' = [prim EXCEPT ![g] = IF Live(@) THEN "twice" ELSE Born]    \* 201, however late
          /\ posts' = [posts EXCEPT ![g] = @ + 1]
          /\ \/ Answer(g, "mine")
             \/ "conflict is us" \in World /\ Answer(g, "conflict")
             \/ UNCHANGED at                                                  \* 5xx after commit, or lost on its way
       \/ /\ posts' = [posts EXCEPT ![g] = @ + 1] /\ UNCHANGED prim
          /\ \/ Occupied(g) /\ Answer(g, "stranger")                          \* 201 with somebody else's booking
             \/ Answer(g, "conflict")
             \/ Answer(g, "refused")
       \/ UNCHANGED <<prim, posts>> /\ Answer(g, "unsent")                    \* the throttle's own 429
       \/ UNCHANGED <<prim, posts, at>>                                       \* lost on the way there
    /\ UNCHANGED <<row, repl, foreign, said, crashes, unknowns>>

Replicate == repl # prim /\ repl' = prim /\ UNCHANGED <<row, at, net, posts, prim, foreign, said, crashes, unknowns>>

Host(g) ==
    /\ prim[g] = "pending"
    /\ \E word \in {"accepted", "declined"} : prim' = [prim EXCEPT ![g] = word]
    /\ UNCHANGED <<row, at, net, posts, repl, foreign, said, crashes, unknowns>>

Somebody ==
    /\ "people" \in World
    /\ \/ \E g \in Gens, word \in {"cancelled", "moved", "gone"} :
             prim[g] \in {"pending", "accepted"} /\ prim' = [prim EXCEPT ![g] = word] /\ UNCHANGED foreign
       \/ foreign = "none" /\ foreign' = "live" /\ UNCHANGED prim
       \/ foreign = "live" /\ foreign' = "left" /\ UNCHANGED prim
    /\ UNCHANGED <<row, at, net, posts, repl, said, crashes, unknowns>>

Crash(w) ==    \* and restart: all that it knew is what the ledger knows
    /\ crashes < Crashes /\ ~Is(w, "idle")
    /\ crashes' = crashes + 1 /\ Goes(w, "idle")
    /\ UNCHANGED <<row, remote, said, unknowns>>

Steps(w) ==
    /\ ~Is(w, "idle")
    /\ \/ ReadAgain(w) \/ Arm(w) \/ Shed(w) \/ Send(w) \/ NotSent(w) \/ TimeOut(w) \/ Judge(w)
       \/ Settle(w) \/ Undo(w) \/ Compensate(w)

Next ==
    \/ \E w \in Workers : Admit(w) \/ Steps(w) \/ Sees(w) \/ SeesNothing(w) \/ GivesUp(w) \/ Blurt(w) \/ Crash(w)
    \/ \E w \in Workers, g \in Gens : Take(w, g)
    \/ \E g \in Gens : Follow(g) \/ Rule(g) \/ Hear(g) \/ Process(g) \/ Host(g)
    \/ Replicate \/ Somebody

Spec == Init /\ [][Next]_vars

\* One worker goes on; wires deliver or lose; replicas catch up; a person rules. A look that may always be blind
\* is not always blind, and what may be given up is given up in the end.
Fairness ==
    /\ WF_vars(Steps(Steady)) /\ WF_vars(\E g \in Gens : Take(Steady, g)) /\ WF_vars(SeesNothing(Steady))
    /\ SF_vars(Sees(Steady)) /\ SF_vars(GivesUp(Steady)) /\ SF_vars(Undo(Steady) /\ at'[Steady].pc = "undone")
    /\ \A g \in Gens : WF_vars(Process(g)) /\ WF_vars(Rule(g)) /\ WF_vars(Follow(g))
    /\ WF_vars(Replicate)

FairSpec == Spec /\ Fairness
Alike == Permutations(Workers)

\* ---- What must hold (guarantees.md, section 7) -------------------------------------------------------------
\* Nothing of ours is left to do, nothing is on the wire, the replica has caught up.
Quiet ==
    /\ \A w \in Workers : Is(w, "idle")
    /\ repl = prim
    /\ \A g \in Gens : /\ net[g] = 0 /\ ~Due(g) /\ row[g].state # "escalated"
                       /\ News(row[g].state, prim[g]) = "none"

OnePost    == \A g \in Gens : posts[g] <= 1                                                      \* I1
OneBooking == \A g \in Gens : prim[g] # "twice"                                                  \* I1
NoGhost    == \A g \in Gens : row[g].state \in Booked => prim[g] \notin {"none", "undone"}       \* I2
NoOrphan   == Quiet => \A g \in Gens : Live(prim[g]) => row[g].state \in Booked \cup {"moved"}   \* I3
RowFirst   == \A g \in Gens : net[g] > 0 \/ prim[g] # "none" => row[g].state # "none"            \* I3
NoForeignConfirmed == \A g \in Gens : ~row[g].stranger                                           \* I4
NoForeignCancelled == foreign # "undone"                                                         \* I4
NoFalseNo  == Quiet => \A g \in Gens : row[g].state \in Refused \/ "no" \in said[g] => ~Live(prim[g])    \* I6
OneAnswer  == \A g \in Gens : "no" \in said[g] /\ said[g] # {"no"} => row[g].state = "declined"  \* I7
OneLiveRow == Cardinality({g \in Gens : row[g].state \in Unresolved \cup Booked}) <= 1           \* I8
OnePerWish == Quiet => Cardinality({g \in Gens : prim[g] \in {"pending", "accepted", "twice"}}) <= 1     \* I8
NothingInDoubt == Quiet => \A g \in Gens : row[g].state \notin Unresolved                        \* I12, at rest
NoFalseEnd == \A g \in Gens : row[g].state \in Ended \cup {"declined"} =>                        \* I2 the other way
    prim[g] = (IF row[g].state = "lost" THEN "gone" ELSE row[g].state)
NoRegret   == \A g \in Gens : row[g].state \notin {"compensating", "compensated"}                \* I6, the price

\* I5, at the moment of speech. A person who changes the booking afterwards does not make it a lie.
True(g, word) ==
    CASE word = "booked"    -> prim'[g] \in {"accepted", "cancelled", "moved", "gone", "twice"}
      [] word = "requested" -> prim'[g] \notin {"none", "undone"}
      [] word = "no"        -> row'[g].state \notin Booked
NoLie == [][said' # said => \A g \in Gens : \A word \in said'[g] \ said[g] : True(g, word)]_said

\* I10: only arrows of the table, and the epoch counts exactly the sends that were not processed.
Legal(before, after) ==
    /\ before.state = after.state \/ <<before.state, after.state>> \in Arrows
    /\ after.epoch = before.epoch + (IF before.state = "sent" /\ after.state = "intent" THEN 1 ELSE 0)
LegalMoves == [][row' # row => \A g \in Gens : Legal(row[g], row'[g])]_row

DoubtEnds == \A g \in Gens : row[g].state \in Unresolved ~> row[g].state \notin Unresolved       \* I12
RegretEnds == \A g \in Gens :
    row[g].state \in {"rejected", "compensating"} /\ Live(prim[g]) ~> row[g].state = "compensated" /\ ~Live(prim[g])

\* ---- What must happen, so that the above is not true of nothing --------------------------------------------
\* All of these are always true; they print what they see for the first time, and at which depth.
ASSUME TLCSet(0, {}) /\ TLCSet(1, {})

See(name, happens) ==
    \/ name \in TLCGet(0)
    \/ ~happens
    \/ TLCSet(0, TLCGet(0) \cup {name}) /\ PrintT(<<"reached", name, TLCGet("level")>>)

Reached ==
    /\ See("look-up missed what is there", \E w \in Workers : Is(w, "absent") /\ Live(prim[at[w].gen]))
    /\ See("settled without any answer", \E w \in Workers : Is(w, "absent") /\ ~row[at[w].gen].notOurs)
    /\ See("not ours, and absent", \E w \in Workers : Is(w, "absent") /\ row[at[w].gen].notOurs)
    /\ See("found by a look", \E w \in Workers : Is(w, "found accepted"))
    /\ See("late arrival", \E g \in Gens : row[g].state = "rejected" /\ Live(prim[g]))
    /\ See("request under way after the no", \E g \in Gens : net[g] > 0 /\ "no" \in said[g])
    /\ See("sender asleep after the no", \E w \in Workers : Is(w, "armed") /\ "no" \in said[at[w].gen])
    /\ See("our success came after the no", \E w \in Workers : Is(w, "mine") /\ row[at[w].gen].state = "rejected")
    /\ See("conflict was us", \E w \in Workers : Is(w, "conflict") /\ Live(prim[at[w].gen]))
    /\ See("a stranger's 2xx", \E w \in Workers : Is(w, "stranger") /\ foreign = "live")
    /\ See("two workers on one row", \E v, w \in Workers : v # w /\ at[v].gen = at[w].gen /\ at[v].gen # 0)
    /\ See("COMMIT unknown", unknowns > 0)
    /\ See("sent again after not processed", \E g \in Gens : net[g] > 0 /\ row[g].epoch = 2)
    /\ See("escalated, and booked", \E g \in Gens : row[g].state = "escalated" /\ Live(prim[g]))
    /\ See("taken back, and nobody knows", \E g \in Gens : row[g].state = "compensating" /\ prim[g] = "undone"
                                                           /\ \A w \in Workers : Is(w, "idle"))
    /\ See("at rest, booked and said so", Quiet /\ \E g \in Gens : row[g].state = "confirmed" /\ "booked" \in said[g])
    /\ See("at rest, taken back", Quiet /\ \E g \in Gens : row[g].state = "compensated")

ReachedAgain ==
    /\ See("our earlier generation as a 2xx", \E w \in Workers : Is(w, "stranger") /\ foreign = "none")
    /\ See("taken back, and the next one booked",
           \E g, h \in Gens : row[g].state = "compensated" /\ row[h].state = "confirmed")

ReachedPeople ==
    /\ See("requested, then booked", \E g \in Gens : {"requested", "booked"} \subseteq said[g])
    /\ See("late, and changed by a person",
           \E g \in Gens : row[g].state = "rejected" /\ prim[g] \in {"cancelled", "moved", "gone"})
    /\ See("changed by a person while in doubt",
           \E g \in Gens : row[g].state = "doubt" /\ prim[g] \in {"cancelled", "moved", "gone"})

Moved == row' # row => \A g \in Gens : LET arrow == <<row[g].state, row'[g].state>> IN
    \/ arrow[1] = arrow[2]
    \/ arrow \in TLCGet(1)
    \/ TLCSet(1, TLCGet(1) \cup {arrow}) /\ PrintT(<<"moved", arrow[1], arrow[2]>>)
=============================================================================
