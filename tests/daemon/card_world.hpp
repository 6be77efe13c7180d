// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "tests/daemon/ring_world.hpp"

namespace passthru {

/// A drawn machine with the card that is moved, and a second card beside it.
struct Card {
    std::string name;
    std::string drawing;
    std::vector<Bdf> functions;  ///< what the VM lists and gets, the GPU first
};

/// A GPU with audio and USB; two host drivers fit the GPU, and the USB function has an override.
[[nodiscard]] const Card& three_functions();
/// The same in one group with a network card that has no driver, which the VM lists.
[[nodiscard]] const Card& with_a_foreign_function();

enum class Move { Detach, Undo, Reattach };
[[nodiscard]] std::string_view move_name(Move move);
void PrintTo(Move move, std::ostream* out);

/// A row of moves, for a test of each.
struct Case {
    const Card* card;
    Move move;
};
inline const Case every_case[] = {
    {&three_functions(), Move::Detach},       {&three_functions(), Move::Undo},
    {&three_functions(), Move::Reattach},     {&with_a_foreign_function(), Move::Detach},
    {&with_a_foreign_function(), Move::Undo}, {&with_a_foreign_function(), Move::Reattach},
};
[[nodiscard]] std::string case_name(const testing::TestParamInfo<Case>& it);
void PrintTo(const Case& it, std::ostream* out);

/// Where a device set ended up.
struct Ending {
    std::string word;       ///< `host`, `owner`, `failed`, `stuck`
    std::string complaint;  ///< what is not permitted about it; empty when all is well

    /// For a cell of a matrix.
    [[nodiscard]] std::string cell() const { return complaint.empty() ? word : word + "!"; }
};

/// One card at the beginning of one move, for one thing that goes wrong on the way.
class CardWorld : public RingWorld {
public:
    CardWorld(const Card& card, Move move,
              std::chrono::seconds step_limit = std::chrono::seconds(30));

    /// The VM starts (Detach and Undo, which has a bind in its way) or has stopped (Reattach).
    std::shared_ptr<Asked> begin();
    /// What will be pulled out during the move: the host is as it should be without it, and after
    /// it was plugged in again.
    void will_be_unplugged(const std::vector<Bdf>& functions);
    /// The writes of the move so far, as FakeKernel tells them.
    [[nodiscard]] std::vector<std::string> writes_of_the_move() const;

    /// Where the set is after the move and what was answered, if there was an answer. Permitted is:
    /// on the host as it was found, with its owner as a whole, or failed or stuck with a reason.
    [[nodiscard]] Ending ending(const Asked& asked) const;
    /// What is wrong with the next start of a VM, from this ending: it works, after a repair where
    /// the set has failed, or is refused for the reason that the ending gave.
    [[nodiscard]] std::string next_start(const Ending& ending);

    [[nodiscard]] const Bdf& gpu() const { return card_.functions.front(); }

private:
    [[nodiscard]] std::string difference_to_home() const {
        return difference(home_, kernel_.dump());
    }
    [[nodiscard]] bool is_refused(const std::optional<Error>& reason);
    [[nodiscard]] std::string plugged_in_again();
    [[nodiscard]] std::string end_of_the_vm();
    [[nodiscard]] std::string a_whole_run(const Owner& domain);
    [[nodiscard]] std::string repair();
    [[nodiscard]] std::string refusals();
    [[nodiscard]] bool all_on_stub() const;

    const Card& card_;
    Move move_;
    std::size_t earlier_writes_ = 0;
    std::string home_ = untouched_;  ///< what the host looks like when all is well
    std::vector<Bdf> unplugged_;
    std::string home_later_;  ///< after they were plugged in again
};

}  // namespace passthru
