// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title PullPayments
/// @notice Ether that a contract owes, to be fetched. Nothing is ever pushed while a decision is made:
/// a receiver that cannot receive holds up nobody.
abstract contract PullPayments is ReentrancyGuardTransient {
    /// @notice Where forfeited ether goes. Nobody has its key: the address is a word, not a hash.
    address public constant BURN = 0x000000000000000000000000000000000000dEaD;

    mapping(address account => uint256) internal withdrawable;

    /// @notice Ether left the contract.
    event Withdrawn(address indexed account, uint256 amount);

    error NothingToWithdraw(address account);
    error TransferFailed(address account, uint256 amount);

    /// @notice Pays out what is due to the caller.
    function withdraw() external nonReentrant {
        _pay(msg.sender);
    }

    /// @notice Pays an account what is due to it. Anyone may call it; it is how burned ether leaves.
    function withdrawFor(address account) external nonReentrant {
        _pay(account);
    }

    /// @notice Wei that `account` can withdraw.
    function withdrawableOf(address account) external view returns (uint256) {
        return withdrawable[account];
    }

    /// @dev The balance is cleared before the call, and the guard keeps a receiver from calling back.
    function _pay(address account) private {
        uint256 amount = withdrawable[account];
        require(amount != 0, NothingToWithdraw(account));
        withdrawable[account] = 0;
        emit Withdrawn(account, amount);
        (bool ok,) = account.call{value: amount}("");
        require(ok, TransferFailed(account, amount));
    }
}
