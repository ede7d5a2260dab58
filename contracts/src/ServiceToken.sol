// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// ERC-6372 names CLOCK_MODE so
// solhint-disable func-name-mixedcase

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title ServiceToken
/// @notice What service is paid in and what votes. Burned for credits, minted under a cap.
contract ServiceToken is ERC20, ERC20Burnable, ERC20Permit, ERC20Votes, AccessManaged {
    /// @notice Most tokens that ever exist at one time: a thousand million, well under the 2^208 units
    /// that vote checkpoints hold.
    uint256 public constant CAP = 1e9 ether;

    /// @notice What is about to be paid has no vote: transfers from here need not look for one.
    address public immutable DISTRIBUTOR;

    error OverCap(uint256 got, uint256 limit);
    error DistributorCannotVote(address account);

    /// @notice Deploys the token; there is none of it yet.
    /// @param authority The AccessManager that says who may mint.
    /// @param distributor Where the `RewardDistributor` is or will be. It cannot delegate, being a
    /// contract without such a call; naming it here saves every claim a cold word.
    constructor(address authority, address distributor)
        ERC20("Heliotrope", "HELI")
        ERC20Permit("Heliotrope")
        AccessManaged(authority)
    {
        DISTRIBUTOR = distributor;
    }

    /// @notice Makes tokens, for those who hold the role.
    function mint(address to, uint256 amount) external restricted {
        uint256 supply = totalSupply() + amount;
        require(supply <= CAP, OverCap(supply, CAP));
        _mint(to, amount);
    }

    /// @notice Votes are counted by time, as everything else here is.
    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @notice ERC-6372: the clock is the timestamp.
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @notice Next nonce of `owner` for permits and for delegations by signature.
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    /// @notice Who votes with the tokens of an account.
    function delegates(address account) public view override returns (address) {
        return account == DISTRIBUTOR ? address(0) : super.delegates(account);
    }

    /// @dev A vote for what does not count would move votes that are not there.
    function _delegate(address account, address delegatee) internal override {
        require(account != DISTRIBUTOR, DistributorCannotVote(account));
        super._delegate(account, delegatee);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
